"""ziproxy as the bench's rival: started as a forward proxy on loopback in front of a small static origin."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from bench.image_corpus import Sample

_TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}
_SETTINGS = """
Port = {port}
Address = "127.0.0.1"
RunAsUser = "root"
RunAsGroup = "root"
"""
# Debian's own file sets only the qualities; by default anything over 1 MiB is left alone.
WAYS = {
    "ziproxy, Debian's settings": "ImageQuality = {30,25,25,20}\n",
    "ziproxy, quality 30, no size limit": "ImageQuality = {30,30,30,30}\nMaxSize = 0\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    bodies: dict[str, bytes]
    cpu_s: float


def _origin(samples: dict[str, Sample]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            body = samples[self.path.lstrip("/")].body
            self.send_response(200)
            self.send_header("Content-Type", _TYPES[self.path.rpartition(".")[2]])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _ziproxy(folder: Path, way: str) -> Iterator[tuple[int, psutil.Process]]:
    port, settings, pid_file = _free_port(), folder / "ziproxy.conf", folder / "pid"
    settings.write_text(_SETTINGS.format(port=port) + WAYS[way])
    subprocess.run(["ziproxy", "-d", "-c", str(settings), "-p", str(pid_file)], check=True, capture_output=True)
    for _ in range(100):
        if pid_file.exists() and pid_file.read_text().strip():
            break
        time.sleep(0.05)
    process = psutil.Process(int(pid_file.read_text()))
    try:
        yield port, process
    finally:
        process.terminate()


def _cpu_s(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def through_ziproxy(samples: list[Sample], folder: Path, way: str) -> Rival | None:
    """Every sample fetched once through ziproxy set up in one of WAYS; None where ziproxy isn't installed."""
    if shutil.which("ziproxy") is None:
        return None
    origin = _origin({sample.name: sample for sample in samples})
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    bodies = {}
    with _ziproxy(folder, way) as (port, process):
        before_s = _cpu_s(process)
        for sample in samples:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", f"http://127.0.0.1:{origin.server_port}/{sample.name}")
            bodies[sample.name] = connection.getresponse().read()
            connection.close()
        time.sleep(1)  # its children must be waited for before their time counts
        spent_s = _cpu_s(process) - before_s
    origin.shutdown()
    return Rival(bodies=bodies, cpu_s=spent_s)
