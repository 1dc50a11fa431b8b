"""The machine: packages of the right names, encoders, disk."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine
from proxy.transforms.media.jail import holds
from proxy.transforms.media.tools import ENCODERS, examined

_PACKAGES = ("proxy", "policies", "scheduler")
_COLLIDING = ("proxy.py", "scheduler")  # on PyPI, with import packages of the same names as ours
_LEAST_FREE_BYTES = 200_000_000


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
    """There is an ffmpeg that can write everything that films and sound become, and a jail to run it in."""
    seen = examined()
    if not seen:
        yield doubtful(
            "ffmpeg",
            (
                "ffmpeg не найден: видео и звук не уменьшаются",
                "there is no ffmpeg: films and sound can't be made smaller",
            ),
            (
                "apt-get install ffmpeg (или pip install imageio-ffmpeg)",
                "apt-get install ffmpeg (or pip install imageio-ffmpeg)",
            ),
        )
        return
    last = seen[-1]
    if last.fit:
        told = ", ".join(sorted(ENCODERS))
        yield fine("ffmpeg", f"{last.ffmpeg} {last.version}: {told}", f"{last.ffmpeg} {last.version}: {told}")
        yield from _jail()
        return
    for one in seen:
        missing = ", ".join(one.missing)
        yield doubtful(
            "ffmpeg",
            (
                f"{one.ffmpeg} не запускается: {one.error}"
                if one.error
                else f"{one.ffmpeg} {one.version} без {missing}",
                f"{one.ffmpeg} doesn't start: {one.error}"
                if one.error
                else f"{one.ffmpeg} {one.version} lacks {missing}",
            ),
            ("поставьте ffmpeg из Debian или imageio-ffmpeg", "install Debian's ffmpeg or imageio-ffmpeg"),
        )


def _jail() -> Iterator[Finding]:
    held = holds()
    if held.files and held.network:
        yield fine(
            "jail",
            "ffmpeg видит только свой файл, без сети",
            "ffmpeg sees the file it works on and nothing else, no network",
        )
        return
    missing = "files" if not held.files else "network"
    yield doubtful(
        "jail",
        (
            f"это ядро не отгораживает ffmpeg ({missing}): чужое видео разбирается с правами службы",
            f"this kernel can't shut ffmpeg in ({missing}): foreign films are read with the service's own rights",
        ),
        ("ядро 5.13 или новее с Landlock (CONFIG_SECURITY_LANDLOCK)", "a kernel of 5.13 or later with Landlock"),
    )


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
    free = shutil.disk_usage(existing).free
    media_bytes = limits.media_store_bytes + limits.media_source_store_bytes
    wanted = limits.variant_store_bytes + limits.cache_bytes + media_bytes + limits.log_bytes
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
