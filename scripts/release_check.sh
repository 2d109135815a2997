#!/usr/bin/env bash
# Builds a release in build/release and checks it: two builds are byte-equal, twine has nothing to
# say, the wheel runs in an environment of its own, and the bill of materials lists that environment.
#
# SOURCE_DATE_EPOCH=...   the time that the files of the archives bear; that of the last commit if unset
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly python="$PWD/.venv/bin/python"
readonly out=build/release
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH

say() { printf 'release-check: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The sdist and the wheel, in folder $1, from the tree in folder $2.
build() { (cd -- "$2" && "$python" -m hatchling build --directory "$1" >/dev/null); }

# The second build is of a copy with other times, as a clone elsewhere has.
build_twice() {
    say "building sdist and wheel twice, SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"
    rm -rf "$out"
    mkdir -p "$out/copy"
    git ls-files -z | tar --create --null --touch --files-from - | tar --extract --touch -C "$out/copy"
    build "$PWD/$out/dist" .
    build "$PWD/$out/again" "$out/copy"
    diff -r "$out/dist" "$out/again" || die "the two builds differ"
    rm -rf "$out/again" "$out/copy"
}

# The wheel with what it needs at run time, in the versions of constraints.txt.
install_wheel() {
    say "installing the wheel into an environment of its own"
    "$python" -m venv --without-pip "$out/venv"
    "$python" -m pip --disable-pip-version-check --python "$out/venv/bin/python" install --quiet \
        --constraint constraints.txt "$out"/dist/*.whl
    (cd "$out" && venv/bin/naas --version)
}

write_bill_of_materials() {
    say "writing the bill of materials of that environment"
    "$python" -m cyclonedx_py environment --pyproject pyproject.toml --output-reproducible \
        --validate --output-file "$out/dist/naas_hw.cdx.json" "$out/venv/bin/python"
}

build_twice
"$python" -m twine check --strict "$out"/dist/*.whl "$out"/dist/*.tar.gz
install_wheel
write_bill_of_materials
(cd "$out/dist" && sha256sum -- * | tee ../SHA256SUMS)
mv "$out/SHA256SUMS" "$out/dist/"
say "the release is in $out/dist"
