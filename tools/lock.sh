#!/usr/bin/env bash
# lock.sh VENV: renew requirements/*.txt, with hashes and without download addresses.
set -euo pipefail
venv=$1
"$venv/bin/python" -m pip --quiet install uv
compile=("$venv/bin/uv" pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate)
"${compile[@]}" pyproject.toml --extra fast -o requirements/run.txt
"${compile[@]}" pyproject.toml --extra fast --extra dev -c requirements/run.txt -o requirements/dev.txt
"${compile[@]}" - -o requirements/build.txt <<<"setuptools>=77"
"${compile[@]}" - -o requirements/media.txt <<<"imageio-ffmpeg>=0.8.1,<1"
"${compile[@]}" - -o requirements/bench.txt <<<"mitmproxy>=11"
