#!/usr/bin/env bash
# install.sh VENV run|dev: the locked packages, Tropa itself, and an ffmpeg where the system has none.
# The lock names all packages that any of them needs, so nothing is looked up beside it.
set -euo pipefail
venv=$1 which=$2
pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
locked=("${pip[@]}" install --require-hashes --no-deps --no-compile)
"${locked[@]}" -r requirements/build.txt
"${locked[@]}" -r "requirements/$which.txt"
"${pip[@]}" install --no-deps --no-build-isolation --editable .
if ! command -v ffmpeg >/dev/null; then
    echo "No ffmpeg on this machine: installing the embedded one (165 MB on disk) …"
    "${locked[@]}" -r requirements/media.txt
fi
# Compiled once: a service's user may not write here, and each start would compile all of it again. Tests compile what
# they use of the packages, which is a part of them. A package may hold a file of another Python: that one is left.
"$venv/bin/python" -m compileall -q proxy policies scheduler
[ "$which" = dev ] || "$venv/bin/python" -m compileall -q -q -j 0 "$venv/lib" || true
