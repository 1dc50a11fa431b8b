"""What an ffmpeg of this machine says of a file that arrived."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def probed(path: Path) -> dict[str, Any]:
    """What ffprobe says of it: seconds as the file itself tells them, and a description of each stream."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)
    assert "duration" in told["format"], "whoever opens the file sees how long it is"
    streams = {one["codec_type"]: one for one in told["streams"]}
    return {"seconds": float(told["format"]["duration"]), **streams}


def played_s(path: Path) -> float:
    """How long it is when all of it is decoded."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "null", "-progress", "-", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, timeout=60, text=True).stdout.splitlines()
    return max(int(line.partition("=")[2]) for line in lines if line.startswith("out_time_us=")) / 1e6
