#!/usr/bin/env bash
# Makes .venv and installs naas into it, from pinned versions.
#
#   setup.sh            system packages, .venv, naas with what its tests need
#   setup.sh --torch    the same, and torch
#   setup.sh --litex    the system packages that LiteX's SoCs need
#   setup.sh --system   only the system packages
#
# Chromium and Tcl are looked for with --torch and --system only: tests need them, nothing else.
#
# NAAS_REQUIRE_TOOLS=1   fail where Icarus, or what is looked for beside it, cannot be had
# PYTHON=...             the Python to use (3.11 or newer)
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly venv=.venv
wants_browser=1  # whether tests are to run
wants_litex=0  # whether SoCs are to be built
required=()  # Debian packages without which nothing works
optional=()  # those whose tests skip by name

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Prints "3.11" where $1 is a Python 3.11 or newer.
python_version() {
    "$1" -c 'import sys
print("%d.%d" % sys.version_info[:2])
sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Whether $1 has its shared library, which cocotb puts into the simulator.
has_shared_library() {
    "$1" -c 'import os, sys, sysconfig
name, folder = (sysconfig.get_config_var(key) or "" for key in ("INSTSONAME", "LIBDIR"))
sys.exit(not (".so" in name and os.path.exists(os.path.join(folder, name))))' 2>/dev/null
}

# The first complete Python; else the system's, to be completed by packages.
choose_python() {
    local candidate
    local candidates=(python3 /usr/bin/python3 python3.13 python3.12 python3.11)
    [[ -z ${PYTHON:-} ]] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if python_version "$candidate" >/dev/null && has_shared_library "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    [[ -n ${PYTHON:-} ]] || candidates=(/usr/bin/python3 python3)
    for candidate in "${candidates[@]}"; do
        if python_version "$candidate" >/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# The package with the shared library of Python $1. Ubuntu 24.04 has it under the name that packages
# got when time_t became 64 bits wide.
library_package() {
    local name="libpython$1"
    if apt-cache show "${name}t64" >/dev/null 2>&1; then
        name+=t64
    fi
    echo "$name"
}

# Whether the C header $1 is there.
has_header() {
    [[ -n $(find /usr/include /usr/local/include -maxdepth 4 -path "*/$1" -print -quit \
        2>/dev/null) ]]
}

find_missing_packages() {
    local python version
    required=()
    optional=()
    python=$(choose_python || true)
    if [[ -z $python ]]; then
        [[ -z ${PYTHON:-} ]] || die "PYTHON must be a Python 3.11 or newer, not $PYTHON"
        # which libpython3.x it will be is not known yet; this one depends on the right one
        required+=(python3 python3-venv libpython3-dev)
    else
        version=$(python_version "$python")
        "$python" -c 'import ensurepip, venv' 2>/dev/null || required+=("python$version-venv")
        has_shared_library "$python" || required+=("$(library_package "$version")")
    fi
    command -v make >/dev/null || required+=(make)
    command -v g++ >/dev/null || required+=(g++)
    # Verilator is a Perl program; Debian's perl-base, which is always there, lacks Pod::Usage
    perl -MPod::Usage -e 1 2>/dev/null || required+=(perl)
    has_header zlib.h || required+=(zlib1g-dev)
    command -v iverilog >/dev/null || optional+=(iverilog)
    if ((wants_litex)); then
        command -v riscv64-unknown-elf-gcc >/dev/null || required+=(gcc-riscv64-unknown-elf)
        has_header event2/event.h || required+=(libevent-dev)
        has_header json-c/json.h || required+=(libjson-c-dev)
    fi
    ((wants_browser)) || return 0
    command -v tclsh >/dev/null || optional+=(tcl)
    command -v chromium >/dev/null || optional+=(chromium)
    command -v chromedriver >/dev/null || optional+=(chromium-driver)
}

# Sets `as_root` to the prefix that makes a command run as root.
find_root() {
    as_root=()
    command -v apt-get >/dev/null || return 1
    [[ $(id -u) == 0 ]] && return 0
    as_root=(sudo -n)
    command -v sudo >/dev/null && sudo -n true 2>/dev/null
}

install_packages() {
    say "installing system packages: ${as_root[*]:+${as_root[*]} }apt-get install $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@" </dev/null >&2
}

ensure_system_packages() {
    find_missing_packages
    ((${#required[@]} + ${#optional[@]})) || return 0
    local missing=("${required[@]}" "${optional[@]}")
    local line="sudo apt-get update && sudo apt-get install -y ${missing[*]}"
    if find_root; then
        say "missing: ${missing[*]}; updating the package lists"
        "${as_root[@]}" apt-get update </dev/null >&2 || say "the package lists could not be updated"
        find_missing_packages # under the names of the lists that are there now
        ((!${#required[@]})) || install_packages "${required[@]}" || true
        local package  # one by one: one that the distribution lacks keeps no other away
        for package in "${optional[@]}"; do install_packages "$package" || true; done
        find_missing_packages
        missing=("${required[@]}" "${optional[@]}")
    fi
    if ((${#required[@]})); then
        die "missing: ${missing[*]}; type: $line"
    fi
    if ((${#optional[@]})); then
        [[ ${NAAS_REQUIRE_TOOLS:-} != 1 ]] || die "missing: ${optional[*]}; type: $line"
        say "going on without ${optional[*]}, its tests will be skipped; to get it, type: $line"
    fi
}

make_venv() {
    local python
    if [[ -x $venv/bin/python ]] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    python=$(choose_python)
    say "making $venv with $python ($(python_version "$python"))"
    "$python" -m venv --clear "$venv"
}

install_naas() {
    local extras=$1
    local pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input)
    say "installing naas_hw[$extras] and what it needs, in the versions of constraints.txt"
    # what builds naas_hw, and what builds packages that have no wheel; Python 3.12 brings neither
    "${pip[@]}" install --quiet --no-compile --constraint constraints.txt hatchling setuptools
    "${pip[@]}" install --quiet --no-compile --constraint constraints.txt --no-build-isolation \
        --editable ".[$extras]"
}

# On all cores, where pip would compile one module after the other. Some that nobody imports are not
# for this Python. Modules of torch are compiled when they are imported, which few of them are.
compile_modules() {
    "$venv/bin/python" -m compileall -q -j 0 "$venv"/lib/python*/site-packages >/dev/null 2>&1 || true
}

main() {
    case ${1:-} in
        '') wants_browser=0 ;;
        --litex) wants_browser=0 wants_litex=1 ;;
    esac
    ensure_system_packages
    case ${1:-} in
        --system) ;;
        --litex) touch "$venv/.setup-litex-done" ;;
        --torch)
            make_venv
            install_naas test,torch
            touch "$venv/.setup-torch-done"
            ;;
        '')
            make_venv
            install_naas test
            compile_modules
            touch "$venv/.setup-done"
            ;;
        *) die "the option must be --torch, --litex or --system, not $1" ;;
    esac
}

main "$@"
