"""Caddy and nginx in front, by the recipes that the project ships, their names and ports replaced by the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.harness.forks import ROOT
from tests.e2e.harness.waiting import free_port, listens, until

_SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
CADDY, NGINX = shutil.which("caddy"), shutil.which("nginx", path=_SBIN)
FRONTS = {"Caddy": CADDY, "nginx": NGINX}
_CADDY_RECIPE = ROOT / "deploy" / "caddy" / "Caddyfile"
_NGINX_RECIPE = ROOT / "deploy" / "nginx" / "tropa.conf"
_NGINX_AROUND = """daemon off; pid {folder}/nginx.pid; error_log {folder}/error.txt;
events {{ }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder};
{recipe}
}}
"""


def adapted(recipe: str, replaced: Mapping[str, str]) -> str:
    """The recipe's rules, with these parts replaced. Raises AssertionError where it no longer looks as it did."""
    rules = "\n".join(line for line in recipe.splitlines() if not line.lstrip().startswith("#"))
    for old, new in replaced.items():
        assert old in rules, f"{old} is gone from the recipe"
        rules = rules.replace(old, new)
    return rules


@contextmanager
def front(kind: str, folder: Path, *, tropa_port: int, origin_port: int) -> Iterator[int]:
    """A front of FRONTS while the block runs; its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port, output = free_port(), folder / "output.txt"
    ports = {"127.0.0.1:8121": f"127.0.0.1:{tropa_port}", "127.0.0.1:8081": f"127.0.0.1:{origin_port}"}
    argv = _caddy(folder, port, ports) if kind == "Caddy" else _nginx(folder, port, ports)
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with output.open("wb") as sink:
        process = subprocess.Popen(argv, stdout=sink, stderr=subprocess.STDOUT, env=home)
    try:
        until(lambda: process.poll() is not None or listens(port), what=kind)
        assert process.poll() is None, output.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _caddy(folder: Path, port: int, ports: Mapping[str, str]) -> list[str]:
    path, recipe = folder / "Caddyfile", _CADDY_RECIPE.read_text("utf-8")
    here = {"lms.example.org": f"http://127.0.0.1:{port}", "10.41.0.0/16 10.42.0.0/16": "127.0.0.0/8"}
    rules = adapted(recipe, {**here, **ports})
    path.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + rules + "\n", "utf-8")
    return [str(CADDY), "run", "--config", str(path), "--adapter", "caddyfile"]


def _nginx(folder: Path, port: int, ports: Mapping[str, str]) -> list[str]:
    """Without TLS: its certificate isn't the recipe's business."""
    path, recipe = folder / "nginx.conf", _NGINX_RECIPE.read_text("utf-8")
    here = {
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port};",
        "server_name lms.example.org;": "server_name _;",
        "    ssl_certificate     /etc/ssl/lms.example.org.pem;\n": "",
        "    ssl_certificate_key /etc/ssl/lms.example.org.key;\n": "",
        "10.41.0.0/16": "127.0.0.0/8",
        "proxy_set_header Host $host;": f"proxy_set_header Host $host:{port};",
    }
    path.write_text(_NGINX_AROUND.format(folder=folder, recipe=adapted(recipe, {**here, **ports})), "utf-8")
    return [str(NGINX), "-c", str(path), "-e", str(folder / "error.txt"), "-p", str(folder)]
