"""The machine: packages of the right names, encoders, disk."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine

_PACKAGES = ("proxy", "policies", "scheduler")
_COLLIDING = ("proxy.py", "scheduler")  # on PyPI, with import packages of the same names as ours
_ENCODERS = ("libx264", "aac")
_LEAST_FREE_BYTES = 200_000_000
_FFMPEG_S = 20


def packages(subject: Subject) -> Iterator[Finding]:
    """All three packages come from one folder, and nobody else's package of the name is installed beside."""
    homes = {name: _home(name) for name in _PACKAGES}
    strangers = [name for name, home in homes.items() if home != homes["policies"]]
    installed = [name for name in _COLLIDING if _installed(name)]
    if strangers:
        told = ", ".join(f"{name}: {homes[name]}" for name in strangers)
        yield broken(
            "packages",
            (f"под нашим именем найден чужой пакет ({told})", f"somebody else's package has our name ({told})"),
            ("поставьте Tropa в отдельное окружение (make run)", "give Tropa an environment of its own (make run)"),
        )
    elif installed:
        told = ", ".join(installed)
        yield doubtful(
            "packages",
            (f"в окружении стоит {told}: имена пакетов совпадают", f"{told} is installed here and shares our names"),
            (f"pip uninstall {told}", f"pip uninstall {told}"),
        )
    else:
        yield fine("packages", f"пакеты свои: {homes['policies']}", f"the packages are our own: {homes['policies']}")


def _home(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).resolve().parents[1] if spec is not None and spec.origin else None


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


# -- encoders --------------------------------------------------------------------------------------------------


def pictures(subject: Subject) -> Iterator[Finding]:
    """Pillow can write what browsers accept."""
    from PIL import features

    missing = [name for name in ("webp", "avif", "jpg") if not features.check(name)]
    if missing:
        told = ", ".join(missing)
        yield doubtful(
            "pictures",
            (f"Pillow не умеет {told}: изображения будут тяжелее", f"Pillow lacks {told}: images come out heavier"),
            ("поставьте Pillow колесом из PyPI: make run", "install Pillow as the wheel from PyPI: make run"),
        )
    else:
        yield fine("pictures", "Pillow пишет AVIF, WebP и JPEG", "Pillow writes AVIF, WebP and JPEG")


def ffmpeg(subject: Subject) -> Iterator[Finding]:
    """ffmpeg is there, starts, and has the encoders that are used."""
    path = _ffmpeg_path()
    if path is None:
        yield doubtful(
            "ffmpeg",
            ("ffmpeg не найден", "there is no ffmpeg"),
            (
                "apt-get install ffmpeg (или pip install imageio-ffmpeg)",
                "apt-get install ffmpeg (or pip install imageio-ffmpeg)",
            ),
        )
        return
    try:
        version = _said(path, "-version").split("\n", 1)[0].removeprefix("ffmpeg version ").split(" ")[0]
        known = {line.split()[1] for line in _said(path, "-encoders").splitlines() if len(line.split()) > 1}
    except (OSError, subprocess.SubprocessError) as error:
        yield doubtful(
            "ffmpeg",
            (f"{path} не запускается: {error}", f"{path} doesn't start: {error}"),
            ("переустановите ffmpeg", "install ffmpeg anew"),
        )
        return
    missing = [name for name in _ENCODERS if name not in known]
    if missing:
        told = ", ".join(missing)
        yield doubtful(
            "ffmpeg",
            (f"{path} {version} без кодировщиков {told}", f"{path} {version} lacks the encoders {told}"),
            ("поставьте ffmpeg из Debian или imageio-ffmpeg", "install Debian's ffmpeg or imageio-ffmpeg"),
        )
    else:
        told = f"{path} {version}"
        yield fine("ffmpeg", f"{told}, кодировщики {', '.join(_ENCODERS)}", f"{told}, encoders {', '.join(_ENCODERS)}")


def _ffmpeg_path() -> str | None:
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def _said(path: str, option: str) -> str:
    done = subprocess.run(  # noqa: S603 - the operator's own ffmpeg
        [path, "-hide_banner", option] if option != "-version" else [path, option],
        capture_output=True, text=True, timeout=_FFMPEG_S, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


# -- disk ------------------------------------------------------------------------------------------------------


def disk(subject: Subject) -> Iterator[Finding]:
    """The state folder can be written, and has room for what its limits allow."""
    folder = subject.state_dir
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if (why := _unwritable(existing)) is not None:
        yield broken(
            "state",
            (f"{folder}: нельзя писать ({why})", f"{folder}: can't be written ({why})"),
            (
                f"отдайте папку пользователю Tropa: chown -R tropa {folder}",
                f"give it to Tropa's user: chown -R tropa {folder}",
            ),
        )
        return
    limits = subject.catalogue.settings.limits
    free, wanted = shutil.disk_usage(existing).free, limits.variant_store_bytes + limits.log_bytes
    told = f"{folder}: {free / 1e9:.1f} GB"
    if free < _LEAST_FREE_BYTES:
        yield broken(
            "disk", (f"{told} свободно: этого мало", f"{told} free: too little"), ("освободите место", "make room")
        )
    elif free < wanted:
        yield doubtful(
            "disk",
            (
                f"{told} свободно, а пределы обещают {wanted / 1e9:.1f} GB",
                f"{told} free, the limits allow {wanted / 1e9:.1f} GB",
            ),
            ("освободите место или уменьшите limits.variant_store", "make room, or lower limits.variant_store"),
        )
    else:
        yield fine("disk", f"{told} свободно, запись возможна", f"{told} free, can be written")


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written there; None: it can."""
    if not folder.is_dir():
        return "not a folder"
    try:
        descriptor, name = tempfile.mkstemp(prefix=".doctor-", dir=folder)
    except OSError as error:
        return error.strerror or str(error)
    os.close(descriptor)
    Path(name).unlink()
    return None
