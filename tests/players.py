"""Players and sample media of tests/js, as tools/npm_packages.py unpacked them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.npm_packages import INTO

HLS_JS = ("hls.js", "dist/hls.min.js")
DASH_JS = ("dashjs", "dist/modern/umd/dash.all.min.js")
VIDEO_JS = ("video.js", "dist/video.min.js")


def package_file(package: str, name: str) -> Path:
    """A file of a package. Where it is missing the test is left out; in CI it fails."""
    path = INTO / package / name
    if not path.is_file():
        why = f"{package} is missing: python tools/npm_packages.py"
        if os.environ.get("CI") == "true":
            raise AssertionError(why)
        pytest.skip(why)
    return path
