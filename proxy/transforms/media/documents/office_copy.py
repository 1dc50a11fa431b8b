"""A lighter copy of one office document: its pictures and films smaller, its text to the byte.

Laws of this file: every XML part but relationships and content types is the source's to the byte, and that is checked
before a copy is believed; a renamed part is renamed everywhere or the copy isn't made. It opens untrusted files: run
it in the jail (`worker.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from proxy.transforms.media.documents.office_pictures import FORMATS, smaller_picture
from proxy.transforms.media.documents.package import COPIES, TYPES_PART, Package, opened, ordered, write
from proxy.transforms.media.documents.renames import relationships_renamed, targets, types_renamed
from proxy.transforms.media.documents.values import MAX_PIXELS, MIN_GAIN, NoCopy
from proxy.transforms.media.spec import OfficeSpec

FILMS = frozenset(("mp4", "m4v", "mov", "wmv", "avi", "mpg", "mpeg", "webm", "mkv"))
SOUNDS = frozenset(("mp3", "m4a", "wma", "aac", "wav", "ogg"))
_MEDIA_FOLDERS = ("word/media/", "ppt/media/", "Pictures/", "Media/")
_MIN_FILM_BYTES = 200_000
_MOST_OF_FILM = 0.9
_MEDIA_RELATION = b"schemas.microsoft.com/office/2007/relationships/media"


def lighten_office(source: Path, folder: Path, spec: OfficeSpec, *, made: Mapping[str, Path] | None) -> dict[str, Any]:
    """The worker's answer: {"films": …} first where there are films (made is None), else the copy and its facts.

    made  smaller films by the names of their parts; None: not asked yet
    Raises NoCopy ("signed", "encrypted", "macros", "not-a-package", "not-a-known-kind", "damaged", "not-smaller",
    "changed") and Hostile.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    package = opened(source)
    with package.archive:
        if made is None:
            films = _films(package)
            if films:
                return {"films": _extracted(package, films, folder)}
        return {"made": _copied(package, source, folder / COPIES[package.content_type], spec, made or {})}


def _copied(
    package: Package, source: Path, target: Path, spec: OfficeSpec, films: Mapping[str, Path]
) -> dict[str, Any]:
    smaller = _smaller(package, spec, films)
    renames = _renames(package, {name: extension for name, (extension, _) in smaller.items()})
    bodies = {name: body for name, (_, body) in smaller.items()}
    edited = dict(_edited(package, renames))
    write(target, _parts(package, renames, bodies | edited))
    _check(package, target, renames, frozenset(bodies) | frozenset(edited))
    source_bytes = source.stat().st_size
    if target.stat().st_size > source_bytes * (1 - MIN_GAIN):
        raise NoCopy("not-smaller")
    return {
        "main": target.name,
        "pictures": sum(_is_picture(name) for name in package.names),
        "adapted": sum(_is_picture(name) for name in bodies),
        "films": sum(name in films for name in bodies),
        "renamed": len(renames),
        "source_bytes": source_bytes,
    }


# -- pictures and films ----------------------------------------------------------------------------------------


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _is_picture(name: str) -> bool:
    return name.startswith(_MEDIA_FOLDERS) and _extension(name) in FORMATS


def _films(package: Package) -> list[str]:
    """Embedded films and sounds that ffmpeg may make smaller. A WAV that only a slide's transition plays stays."""
    found = [
        name
        for name in package.names
        if name.startswith(_MEDIA_FOLDERS)
        and _extension(name) in FILMS | SOUNDS
        and package.archive.getinfo(name).file_size >= _MIN_FILM_BYTES
    ]
    if package.odf:
        return [name for name in found if _extension(name) in ("mp4", "m4v", "m4a")]
    played = {target for name, body in _rels(package) if _MEDIA_RELATION in body for target in targets(name, body)}
    return [name for name in found if _extension(name) != "wav" or name in played]


def _extracted(package: Package, films: list[str], folder: Path) -> list[dict[str, str]]:
    told = []
    for number, name in enumerate(films):
        extension = _extension(name)
        path = folder / f"embedded-{number}.{extension}"
        path.write_bytes(package.read(name))
        told.append({"part": name, "path": path.name, "kind": "film" if extension in FILMS else "sound"})
    return told


def _smaller(package: Package, spec: OfficeSpec, films: Mapping[str, Path]) -> dict[str, tuple[str, bytes]]:
    """By part: its new extension and its new body."""
    smaller: dict[str, tuple[str, bytes]] = {}
    for name in package.names:
        if name in films:
            body = films[name].read_bytes()
            if len(body) < package.archive.getinfo(name).file_size * _MOST_OF_FILM:
                smaller[name] = (_extension(films[name].name), body)
        elif _is_picture(name):
            picture = smaller_picture(package.read(name), _extension(name), spec, may_rename=not package.odf)
            if picture is not None:
                smaller[name] = (picture.extension, picture.body)
    return smaller


_SAME = {"jpg": "jpeg", "jpe": "jpeg", "m4v": "mp4"}


def _renames(package: Package, extensions: Mapping[str, str]) -> dict[str, str]:
    """New names where a format changed, none of them taken."""
    taken = {name.casefold() for name in package.names}
    renames: dict[str, str] = {}
    for name, extension in extensions.items():
        stem, _, old = name.rpartition(".")
        if _SAME.get(old.lower(), old.lower()) == extension:
            continue
        if package.odf:
            raise NoCopy("changed")  # never asked for: ODF names its pictures within the text
        number, renamed = 0, f"{stem}.{extension}"
        while renamed.casefold() in taken:
            number, renamed = number + 1, f"{stem}-{number + 1}.{extension}"
        taken.add(renamed.casefold())
        renames[name] = renamed
    return renames


# -- the package -----------------------------------------------------------------------------------------------


def _rels(package: Package) -> Iterator[tuple[str, bytes]]:
    for name in package.names:
        if name.endswith(".rels") and "_rels/" in name:
            yield name, package.read(name)


def _edited(package: Package, renames: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The relationships and content types that a rename touches."""
    if not renames:
        return
    for name, body in _rels(package):
        after = relationships_renamed(name, body, renames)
        if after != body:
            yield name, after
    yield TYPES_PART, types_renamed(package.read(TYPES_PART), renames)


def _parts(package: Package, renames: Mapping[str, str], bodies: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name in ordered(package.names):
        yield renames.get(name, name), bodies[name] if name in bodies else package.read(name)


def _check(package: Package, target: Path, renames: Mapping[str, str], touched: frozenset[str]) -> None:
    """Same parts, same bytes but where it was meant, every relationship still leads somewhere. Raises NoCopy."""
    copy = opened(target)
    with copy.archive:
        if sorted(copy.names) != sorted(renames.get(name, name) for name in package.names):
            raise NoCopy("changed")
        for name in package.names:
            body = copy.read(renames.get(name, name))
            if name not in touched and body != package.read(name):
                raise NoCopy("changed")
            if name in touched and name.endswith(".rels"):
                before = {renames.get(told, told) for told in targets(name, package.read(name))}
                if targets(name, body) != before:
                    raise NoCopy("changed")
