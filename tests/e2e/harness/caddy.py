"""Caddy in front, by the recipe that the project ships, its names and ports replaced by the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.harness.tropa import ROOT
from tests.e2e.harness.waiting import free_port, listens, until

CADDY = shutil.which("caddy")
_RECIPE = ROOT / "deploy" / "caddy" / "Caddyfile"


def adapted(recipe: str, *, port: int, tropa_port: int, origin_port: int) -> str:
    """The recipe with loopback as the region's network. Raises AssertionError where it no longer looks as it did."""
    replaced = {
        "lms.example.org": f"http://127.0.0.1:{port}",
        "10.41.0.0/16 10.42.0.0/16": "127.0.0.0/8",
        "127.0.0.1:8101": f"127.0.0.1:{tropa_port}",
        "127.0.0.1:8081": f"127.0.0.1:{origin_port}",
    }
    rules = "\n".join(line for line in recipe.splitlines() if not line.lstrip().startswith("#"))
    for old, new in replaced.items():
        assert old in rules, f"{old} is gone from the recipe"
        rules = rules.replace(old, new)
    return "{\n\tadmin off\n\tauto_https off\n}\n" + rules + "\n"


@contextmanager
def caddy(folder: Path, *, tropa_port: int, origin_port: int) -> Iterator[int]:
    """Caddy while the block runs; its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port, path, output = free_port(), folder / "Caddyfile", folder / "caddy.txt"
    recipe = _RECIPE.read_text("utf-8")
    path.write_text(adapted(recipe, port=port, tropa_port=tropa_port, origin_port=origin_port), "utf-8")
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [str(CADDY), "run", "--config", str(path), "--adapter", "caddyfile"],
            stdout=sink, stderr=subprocess.STDOUT, env=home,
        )  # fmt: skip
    try:
        until(lambda: process.poll() is not None or listens(port), what="Caddy")
        assert process.poll() is None, output.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)
