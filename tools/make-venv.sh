#!/usr/bin/env bash
# make-venv.sh PYTHON VENV: a virtual environment, or one line that says what the machine lacks.
set -euo pipefail
python=$1 venv=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "Tropa needs Python 3.11 or newer as '$python' (make PYTHON=python3.12 … names another)." >&2; exit 1; }
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    echo "Installing python3-venv …"
    "${as_root[@]}" apt-get install -y -qq python3-venv >/dev/null 2>&1 || {
        echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
fi
"$python" -m venv "$venv"
