#!/usr/bin/env bash
# Writes tests/golden/run-VERSION.tar.xz, the run folder of this release that later ones have to read:
# a search of a network of two layers, its hardware, and its simulation.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../tests/golden"

readonly naas="$PWD/../../.venv/bin/naas"
readonly run="run-$("$naas" --version | cut -d' ' -f2)"

"$naas" search network.yaml --budget budget.yaml --population 2 --generations 2 --evaluations 200 \
    --seed 1 --processes 1 -o "$run"
"$naas" generate "$run"
"$naas" simulate "$run" --sim icarus
rm -f -- "$run/.lock"
tar --create --xz --file "$run.tar.xz" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime=@0 -- "$run"
rm -r -- "$run"
