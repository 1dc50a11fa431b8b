"""The peers and the backend, each started on a port of its own in a folder of the run.

squid and mitmdump stand as reverse proxies, since that is what Tropa does here: no cache, no scripts, no log.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.processes import ROOT, Process, free_port, python, running, tool
from bench.regions import regions

_MITM_VENV = ROOT / "bench" / "out" / "mitmproxy-venv"
_NGINX = r"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err; {user}
events {{ worker_connections 8192; }}
http {{ access_log off; types {{ application/octet-stream bin; image/jpeg jpg; text/html html; video/mp4 mp4; }}
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
server {{ listen 127.0.0.1:{port} backlog=1024; root {www}; keepalive_requests 100000000;
  location ~ \.bin$ {{ add_header Cache-Control no-store; }} }} }}
"""
_SQUID = """http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1:{upstream_port} no-vhost
cache_peer 127.0.0.1 parent {upstream_port} 0 no-query originserver no-digest no-netdb-exchange
http_access allow all
cache deny all
cache_mem 8 MB
access_log none
cache_log {folder}/squid.log
cache_store_log none
pid_filename none
coredump_dir {folder}
shutdown_lifetime 0 seconds
max_filedescriptors 16384
"""


@contextlib.contextmanager
def nginx(folder: Path, www: Path) -> Iterator[int]:
    """Static files of `www`; gives its port. Raises RuntimeError where nginx is missing."""
    program = tool("nginx")
    if program is None:
        raise RuntimeError("nginx is not installed")
    port = free_port()
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(folder=folder, port=port, www=www, user=user))
    with running([program, "-c", str(config), "-p", str(folder)], port, folder / "nginx.out"):
        yield port


@contextlib.contextmanager
def relay(folder: Path, upstream_port: int) -> Iterator[tuple[Process, int]]:
    """The bare aiohttp relay."""
    port = free_port()
    argv = python("-m", "bench.relay", str(port), f"http://127.0.0.1:{upstream_port}")
    with running(argv, port, folder / "relay.log") as process:
        yield process, port


@contextlib.contextmanager
def tropa(folder: Path, upstream_port: int, policy: str = "satellite-metered") -> Iterator[tuple[Process, int]]:
    """Tropa as shipped: reverse, a metered policy with an allowance, metrics and log on."""
    argv, port = tropa_argv(folder, upstream_port, policy)
    with running(argv, port, folder / f"tropa-{policy}.log") as process:
        yield process, port


def tropa_argv(folder: Path, upstream_port: int, policy: str = "satellite-metered") -> tuple[list[str], int]:
    """How it is started, and the port it listens on."""
    port, home = free_port(), folder / f"tropa-{policy}"
    home.mkdir()
    file = home / "regions.yaml"
    listeners = {"metered": (f"127.0.0.1:{port}", policy)}
    file.write_text(regions(f"http://127.0.0.1:{upstream_port}", listeners, metrics_listen=f"127.0.0.1:{free_port()}"))
    return python("-m", "proxy.cli.main", "serve", "--regions", str(file), "--state", str(home / "state")), port


@contextlib.contextmanager
def squid(folder: Path, upstream_port: int) -> Iterator[tuple[Process, int]]:
    """squid without a cache. Raises RuntimeError where it is missing."""
    program = tool("squid")
    if program is None:
        raise RuntimeError("squid is not installed")
    port, config = free_port(), folder / "squid.conf"
    config.write_text(_SQUID.format(folder=folder, port=port, upstream_port=upstream_port))
    with running([program, "-N", "-f", str(config)], port, folder / "squid.out") as process:
        yield process, port


@contextlib.contextmanager
def mitmdump(folder: Path, upstream_port: int) -> Iterator[tuple[Process, int]]:
    """mitmdump, bodies streamed. Raises RuntimeError where it can't be had."""
    program = _mitmdump_program()
    port = free_port()
    argv = [
        str(program),
        "--quiet",
        "--mode",
        f"reverse:http://127.0.0.1:{upstream_port}",
        "--listen-host",
        "127.0.0.1",
    ]
    argv += ["--listen-port", str(port), "--set", f"confdir={folder}/mitm", "--set", "stream_large_bodies=1"]
    argv += ["--set", "keep_host_header=true", "--set", "flow_detail=0"]
    with running(argv, port, folder / "mitm.log") as process:
        yield process, port


def _mitmdump_program() -> Path:
    """mitmdump in an environment of its own (its pins would fight ours), made at first use from locked hashes."""
    program = _MITM_VENV / "bin" / "mitmdump"
    if program.exists():
        return program
    locked = ROOT / "requirements" / "bench.txt"
    try:
        subprocess.run(python("-m", "venv", str(_MITM_VENV)), check=True, capture_output=True)
        pip = [str(_MITM_VENV / "bin" / "pip"), "install", "-q", "--require-hashes", "--no-deps", "-r", str(locked)]
        subprocess.run(pip, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise RuntimeError("mitmproxy could not be installed: " + error.stderr.decode()[-300:]) from error
    return program
