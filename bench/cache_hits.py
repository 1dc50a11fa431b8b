"""Hits of the store beside squid's disk cache and nginx's: requests per second, the slowest, the first byte."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import servers
from bench.figures import Load, load_of, paired_ratio
from bench.processes import Process, free_port, running, tool
from bench.suite import Table, Target

METHOD = (
    "hits: {files} files of 50 KB with a lifetime of an hour behind each store, asked for once, then at random by wrk "
    "(1 thread, 32 kept-alive connections,\n{seconds:g} s), one process per store, {rounds} rounds interleaved, "
    "medians; ratios are medians of the rounds' ratios. squid without memory cache; the system's page cache serves all."
)
_SCRIPT = Path(__file__).parent / "cache_hits.lua"
_BODY_BYTES = 51_200
_ORIGIN = """daemon off; worker_processes 1; pid {folder}/origin.pid; error_log {folder}/origin.err; {user}
events {{ worker_connections 1024; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; root {www}; keepalive_requests 100000000;
  add_header Cache-Control "public, max-age=3600"; }} }}
"""
NGINX_STORE = """daemon off; worker_processes 1; pid {folder}/store.pid; error_log {folder}/store.err; {user}
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on;
proxy_cache_path {folder}/nginx-store levels=1:2 keys_zone=store:10m max_size=1g use_temp_path=off;
server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;
  location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_cache store; proxy_cache_valid 200 1h; }} }} }}
"""
_SQUID = """http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1:{upstream} no-vhost
cache_peer 127.0.0.1 parent {upstream} 0 no-query originserver no-digest no-netdb-exchange
http_access allow all
cache_mem 0 MB
maximum_object_size_in_memory 0 KB
cache_dir ufs {folder}/squid-store 1000 16 16
access_log none
cache_log {folder}/squid.log
cache_store_log none
pid_filename none
coredump_dir {folder}
shutdown_lifetime 0 seconds
"""


def measure(*, quick: bool) -> tuple[Table, tuple[Target, ...], tuple[str, ...]]:
    """A table, whether it reaches what is to be reached, and what is left out."""
    missing = tuple(f"hits: {name} is not installed" for name in ("wrk", "nginx", "squid") if tool(name) is None)
    if missing:
        return Table(title="hits", head=("",), rows=()), (), missing
    rounds, seconds, files = (1, 1.0, 50) if quick else (5, 2.0, 400)
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        origin = stack.enter_context(_origin(folder, files))
        ports = {
            "Tropa": stack.enter_context(servers.tropa(folder, origin))[1],
            "squid": stack.enter_context(_squid(folder, origin))[1],
            "nginx": stack.enter_context(_store(folder, "store", NGINX_STORE, upstream=origin))[1],
        }
        for port in ports.values():
            _fill(port, files)
        first = {peer: _first_byte_ms(port, files) for peer, port in ports.items()}
        seen = _loads(ports, rounds, seconds, files)
    return _table(seen, first), _targets(seen), ()


def method(*, quick: bool) -> str:
    """How it is measured."""
    return METHOD.format(rounds=1 if quick else 5, seconds=1.0 if quick else 2.0, files=50 if quick else 400)


@contextlib.contextmanager
def _origin(folder: Path, files: int) -> Iterator[int]:
    www = folder / "stored"
    www.mkdir()
    for number in range(files):
        (www / f"{number}.bin").write_bytes(os.urandom(_BODY_BYTES))
    with _store(folder, "origin", _ORIGIN, www=www) as (_, port):
        yield port


@contextlib.contextmanager
def _store(folder: Path, name: str, config: str, **values: object) -> Iterator[tuple[Process, int]]:
    argv, port = nginx_argv(folder, name, config, **values)
    with running(argv, port, folder / f"{name}.out") as process:
        yield process, port


@contextlib.contextmanager
def _squid(folder: Path, upstream: int) -> Iterator[tuple[Process, int]]:
    argv, port = squid_argv(folder, upstream)
    with running(argv, port, folder / "squid-store.out") as process:
        yield process, port


def nginx_argv(folder: Path, name: str, config: str, **values: object) -> tuple[list[str], int]:
    """How an nginx with this configuration is started, and the port it listens on."""
    port, file = free_port(), folder / f"{name}.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(config.format(folder=folder, port=port, user=user, **values))
    return [str(tool("nginx")), "-c", str(file), "-p", str(folder)], port


def squid_argv(folder: Path, upstream: int) -> tuple[list[str], int]:
    """The same for a squid with an empty disk store."""
    port, config, store = free_port(), folder / "squid-store.conf", folder / "squid-store"
    config.write_text(_SQUID.format(folder=folder, port=port, upstream=upstream))
    store.mkdir()
    store.chmod(0o777)  # squid leaves root for a user of its own
    subprocess.run([str(tool("squid")), "-N", "-z", "-f", str(config)], check=True, capture_output=True, timeout=60)
    return [str(tool("squid")), "-N", "-f", str(config)], port


def _fill(port: int, files: int) -> None:
    """Twice, so that each is stored and was had once."""
    for _ in range(2):
        for number in range(files):
            _ask(port, number)


def _ask(port: int, number: int) -> float:
    """Seconds until the first byte; the answer is read to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        began_s = time.perf_counter()
        client.sendall(f"GET /{number}.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        heard = client.recv(65536)
        first_s = time.perf_counter() - began_s
        if not heard.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"unexpected answer: {heard[:100]!r}")
        while client.recv(65536):
            pass
    return first_s


def _first_byte_ms(port: int, files: int) -> float:
    return 1000 * median(_ask(port, number % files) for number in range(200))


def _loads(ports: dict[str, int], rounds: int, seconds: float, files: int) -> dict[str, list[Load]]:
    seen: dict[str, list[Load]] = {peer: [] for peer in ports}
    for number in range(rounds + 1):  # the first, short one only warms up
        peers = list(ports)
        for peer in peers[number % 3 :] + peers[: number % 3]:
            argv = [
                str(tool("wrk")),
                "-t1",
                "-c32",
                f"-d{max(1, round(seconds if number else 1))}s",
                "-s",
                str(_SCRIPT),
            ]
            argv += [f"http://127.0.0.1:{ports[peer]}/", "--", str(files)]
            told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
            if number:
                seen[peer].append(load_of(told))
    return seen


def _rates(seen: dict[str, list[Load]], peer: str) -> list[float]:
    return [load.requests_per_s for load in seen[peer]]


def _table(seen: dict[str, list[Load]], first: dict[str, float]) -> Table:
    rows = tuple(
        (
            peer,
            median(_rates(seen, peer)),
            median(load.p50_ms for load in loads),
            median(load.p99_ms for load in loads),
            first[peer],
            paired_ratio(_rates(seen, "Tropa"), _rates(seen, peer)) if peer != "Tropa" else None,
            sum(load.errors for load in loads),
        )
        for peer, loads in seen.items()
    )
    head = ("hits, 50 KB", "requests/s", "p50 ms", "p99 ms", "first byte, ms", "requests/s Tropa/it", "errors")
    return Table(title="hits", head=head, rows=rows)


def _targets(seen: dict[str, list[Load]]) -> tuple[Target, ...]:
    ours, name = _rates(seen, "Tropa"), "hits at 50 KB, requests/s, Tropa to"
    return (
        Target(f"{name} squid", paired_ratio(ours, _rates(seen, "squid")), 1.0, at_least=True),
        Target(f"{name} nginx", paired_ratio(ours, _rates(seen, "nginx")), 0.3, at_least=True),
    )
