#!/usr/bin/env bash
# install.sh VENV run|dev: the locked packages, Tropa itself, and an ffmpeg where the system has none.
set -euo pipefail
venv=$1 which=$2
pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
"${pip[@]}" install --require-hashes -r requirements/build.txt
"${pip[@]}" install --require-hashes -r "requirements/$which.txt"
"${pip[@]}" install --no-deps --no-build-isolation --editable .
# Compiled once: a service's user may not write here, and each start would compile all of it again.
"$venv/bin/python" -m compileall -q proxy policies scheduler
if ! command -v ffmpeg >/dev/null; then
    echo "No ffmpeg on this machine: installing the embedded one (165 MB on disk) …"
    "${pip[@]}" install --require-hashes -r requirements/media.txt
fi
