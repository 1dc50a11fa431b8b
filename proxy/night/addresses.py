"""Under which address a learner's page asks for a stored file of a Moodle course: pure.

Laws of this file: a web service's own address of a file is never what a browser asks for; a setting that isn't told
counts as Moodle sets it by itself.
Source: mod/resource/view.php and locallib.php (resource_get_final_display_type, resource_display_embed),
mod/folder/renderer.php (renderable_tree_elements), webservice/pluginfile.php (Moodle 3.9 to 5.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from urllib.parse import urlsplit

from policies.frozen import Frozen
from policies.kinds import kind_of_path, kind_of_type
from policies.values import MediaKind
from proxy.night.answers import JSON, mapping, mappings, whole

_SERVICE = "/webservice/pluginfile.php/"
_STORED = "/pluginfile.php/"
_TO_SAVE = "forcedownload=1"
_REVISION_IN_FOLDER = re.compile(r"(/mod_folder/content/)\d+/")
_SHOWN_BY_THEMSELVES = frozenset((MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO))


class Display(IntEnum):
    """How a file of a course is set to be shown (RESOURCELIB_DISPLAY_…); all others open it as it is."""

    AUTOMATIC = 0
    EMBEDDED = 1
    TO_SAVE = 4
    OPENED = 5


class Settings(Frozen, frozen=True, kw_only=True):
    """What a course's activities are set to, by their numbers (`cmid`), as far as it is told.

    displays  of files, as Moodle numbers them
    to_save   of folders: whether their files are linked as ones to keep
    """

    displays: Mapping[int, int]
    to_save: Mapping[int, bool]


BY_ITSELF = Settings(displays={}, to_save={})


def settings_of(resources: JSON, folders: JSON) -> Settings:
    """Of mod_resource_get_resources_by_courses and mod_folder_get_folders_by_courses; None for what wasn't told.

    Folders before Moodle 3.11 have no such setting: there every file is one to keep.
    """
    displays, to_save = {}, {}
    for row in mappings(mapping(resources).get("resources")):
        number, display = whole(row.get("coursemodule")), whole(row.get("display"))
        if number is not None and display is not None:
            displays[number] = display
    for row in mappings(mapping(folders).get("folders")):
        number, forced = whole(row.get("coursemodule")), whole(row.get("forcedownload"))
        if number is not None and forced is not None:
            to_save[number] = forced != 0
    return Settings(displays=displays, to_save=to_save)


def linked_url(file: dict[str, JSON], module: dict[str, JSON], settings: Settings) -> str | None:
    """An activity's file as learners' pages link it; None: it is no stored file of a course."""
    url = str(file.get("fileurl") or file.get("url") or "")
    number, kind = whole(module.get("id")) or 0, module.get("modname")
    if kind == "folder":
        bare = stored_url(url, download=settings.to_save.get(number, True))
        return None if bare is None else _REVISION_IN_FOLDER.sub(r"\g<1>0/", bare, count=1)
    if kind == "resource" and is_main_file(file, module):
        return _main_url(url, file, settings.displays.get(number, Display.AUTOMATIC))
    return stored_url(url, download=False)


def is_main_file(file: dict[str, JSON], module: dict[str, JSON]) -> bool:
    """Whether an activity that shows one file shows this one; its other files are named by that one."""
    return next(iter(mappings(module.get("contents"))), None) is file


def _main_url(url: str, file: dict[str, JSON], display: int) -> str | None:
    kind = _kind_of(file)
    if display == Display.AUTOMATIC:
        display = _by_itself(kind)
    bare = stored_url(url, download=display == Display.TO_SAVE)
    is_pdf = str(file.get("mimetype") or "") == "application/pdf"
    framed = display == Display.EMBEDDED and kind not in _SHOWN_BY_THEMSELVES and not is_pdf
    return f"{bare}?embed=1" if bare is not None and framed else bare


def _by_itself(kind: MediaKind | None) -> Display:
    if kind is MediaKind.ARCHIVE:
        return Display.TO_SAVE
    return Display.EMBEDDED if kind in _SHOWN_BY_THEMSELVES or kind is MediaKind.PAGE else Display.OPENED


def _kind_of(file: dict[str, JSON]) -> MediaKind | None:
    """An archive by either sign, for Moodle's own list of types is longer than what is told of them."""
    by_name = kind_of_path(str(file.get("filename") or ""))
    by_type = kind_of_type(str(file.get("mimetype") or ""))
    return MediaKind.ARCHIVE if MediaKind.ARCHIVE in (by_name, by_type) else by_type or by_name


def stored_url(url: str, *, download: bool) -> str | None:
    """A stored file's address as learners' pages have it; None: it is no stored file of a course."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    path = parts.path.replace(_SERVICE, _STORED, 1)
    return f"{parts.scheme}://{parts.netloc}{path}{f'?{_TO_SAVE}' * download}" if _STORED in path else None


def service_target(target: str) -> str | None:
    """The same file for a service account, without its token; None: it is no stored file."""
    path, _, query = target.partition("?")
    if _STORED not in path or _SERVICE in path:
        return None
    return path.replace(_STORED, _SERVICE, 1) + (f"?{query}" if query else "")


def is_to_save(target: str) -> bool:
    """Whether a browser that asks for this gets a file to keep: the account's own way tells it as one to open."""
    return _TO_SAVE in target.partition("?")[2].split("&")
