#!/usr/bin/env bash
# system-packages.sh test|bench: Debian packages that tests or benches drive, installed where we may.
# What can't be installed is said in one line; in CI (CI=true) that is a failure, elsewhere tests are left out.
# What tests are only quicker with is installed where that can be done, and not spoken of where it can't.
set -euo pipefail
quicker=()
case ${1:?test or bench} in
    test)
        want=(chromium:chromium firefox-esr:firefox-esr caddy:caddy nginx:nginx-light ffmpeg:ffmpeg espeak-ng:espeak-ng ip:iproute2)
        # Chromium without its windows. Both are named, so that they are of one version.
        quicker=(chromium-headless-shell:chromium chromium-headless-shell:chromium-headless-shell) ;;
    bench) want=(chromium:chromium ffmpeg:ffmpeg espeak-ng:espeak-ng squid:squid ziproxy:ziproxy wrk:wrk nginx:nginx-light ip:iproute2) ;;
    *) echo "usage: $0 test|bench" >&2; exit 2 ;;
esac
PATH=$PATH:/usr/sbin:/sbin
lacking() { for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"; done; }
mapfile -t missing < <(lacking "${want[@]}")
mapfile -t faster < <(lacking "${quicker[@]}")
[ ${#missing[@]} -gt 0 ] || [ ${#faster[@]} -gt 0 ] || exit 0
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)
export DEBIAN_FRONTEND=noninteractive
# Services of these packages must not start here: tests and benches run their own, on ports of their own.
no_start() { printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee /usr/sbin/policy-rc.d >/dev/null && "${as_root[@]}" chmod +x /usr/sbin/policy-rc.d; }
install() { "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; }
# The lists that are here may be old, or none: then they are asked for anew.
installed() { [ $# = 0 ] || install "$@" || { "${as_root[@]}" apt-get update -qq >/dev/null 2>&1 && install "$@"; }; }
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "Installing ${missing[*]:-${faster[*]}} …"
    [ -e /usr/sbin/policy-rc.d ] || { no_start; trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT; }
    if installed "${missing[@]}"; then
        installed "${faster[@]}" || true
        exit 0
    fi
fi
[ ${#missing[@]} -gt 0 ] || exit 0
echo "Missing and not installable here: ${missing[*]}. The tests that need them are left out." >&2
[ "${CI:-}" != true ]
