"""Memory and start of the store beside squid's and nginx's, each full of the same small answers and killed.

Each is filled by requests, killed (-9), and started again while its origin is down, so that whatever it answers comes
from its store.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from bench.cache_hits import NGINX_STORE, nginx_argv, squid_argv
from bench.processes import Process, tool
from bench.suite import Table

METHOD = (
    "peers: {count} answers of 1 KB with a lifetime of an hour, asked for by wrk (16 connections), one process per "
    "store. Memory is the growth of the\nprocess tree from before to after. Then the process is killed (-9), its "
    "origin ended, and it is started again: how long until an answer from the store is there."
)
_SCRIPT = Path(__file__).parent / "cache_peers.lua"
_ORIGIN = """daemon off; worker_processes 1; pid {folder}/origin.pid; error_log {folder}/origin.err; {user}
events {{ worker_connections 1024; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;
  location / {{ add_header Cache-Control "public, max-age=3600"; default_type application/octet-stream;
    return 200 "{body}"; }} }} }}
"""
_MB = 1_000_000
_LONGEST_FILL_S, _LONGEST_START_S = 600.0, 60.0


@dataclass(frozen=True, slots=True)
class Grown:
    """What one store took: memory for its answers, seconds to fill it and to answer again after a kill."""

    memory_bytes: int
    fill_s: float
    first_s: float | None


def measure(*, quick: bool) -> tuple[Table | None, tuple[str, ...]]:
    """A table, and what is left out."""
    missing = tuple(f"peers: {name} is not installed" for name in ("wrk", "nginx", "squid") if tool(name) is None)
    if missing:
        return None, missing
    count = 2_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        seen = {peer: _grown(folder / peer, peer, count) for peer in ("Tropa", "squid", "nginx")}
    rows = tuple(
        (
            peer,
            f"{grown.memory_bytes / _MB * 100_000 / count:.0f}",
            f"{grown.fill_s:.0f}",
            "no answer" if grown.first_s is None else f"{1000 * grown.first_s:.0f}",
        )
        for peer, grown in seen.items()
    )
    head = (f"{count} answers", "memory per 100,000, MB", "filled, s", "from start to an answer after kill -9, ms")
    return Table(title="memory and start beside squid and nginx", head=head, rows=rows), ()


def method(*, quick: bool) -> str:
    """How it is measured."""
    return METHOD.format(count=2_000 if quick else 100_000)


def _grown(folder: Path, peer: str, count: int) -> Grown:
    folder.mkdir()
    folder.chmod(0o755)
    origin_argv, upstream = nginx_argv(folder, "origin", _ORIGIN, body="x" * 1024)
    argv, port = _argv(peer, folder, upstream)
    origin = Process(origin_argv, folder / "origin.out")
    process = Process(argv, folder / "store.out")
    try:
        origin.await_port(upstream)
        process.await_port(port)
        _is_answered(port, 0)
        before, began_s = process.rss_bytes(), time.monotonic()
        _fill(port, count)
        fill_s, after = time.monotonic() - began_s, process.rss_bytes()
        process.kill()
        origin.stop()
        process = Process(argv, folder / "store-again.out")
        return Grown(after - before, fill_s, _first_answer_s(port, count // 2))
    finally:
        process.stop()
        origin.stop()


def _argv(peer: str, folder: Path, upstream: int) -> tuple[list[str], int]:
    match peer:
        case "Tropa":
            return servers.tropa_argv(folder, upstream)
        case "squid":
            return squid_argv(folder, upstream)
        case _:
            return nginx_argv(folder, "store", NGINX_STORE, upstream=upstream)


def _fill(port: int, count: int) -> None:
    """Until the last of them was asked for; wrk ends by time alone, so it is started again where it was."""
    until_s = time.monotonic() + _LONGEST_FILL_S
    asked = 0
    while asked < count:
        if time.monotonic() > until_s:
            raise RuntimeError(f"only {asked} of {count} answers were stored in time")
        argv = [str(tool("wrk")), "-t1", "-c16", "-d5s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}/"]
        told = subprocess.run(
            [*argv, "--", str(count), str(asked)], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        asked += next(int(line.split()[0]) for line in told.splitlines() if " requests in " in line)


def _first_answer_s(port: int, number: int) -> float | None:
    """Seconds until this answer comes, from now on."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < _LONGEST_START_S:
        if _is_answered(port, number):
            return time.monotonic() - began_s
        time.sleep(0.005)
    return None


def _is_answered(port: int, number: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        host = f"127.0.0.1:{port}"  # as wrk says it: another name is another address
        client.sendall(f"GET /{number}.bin HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return client.recv(65536).startswith(b"HTTP/1.1 200")
    return False
