"""Which media kind a declared type, a file name or a Sec-Fetch-Dest means.

Laws of this file: tables, not guesses; None where a sign says nothing; application/octet-stream says nothing.
"""

from __future__ import annotations

from policies.values import MediaKind

_EXACT = {
    "text/html": MediaKind.PAGE,
    "application/xhtml+xml": MediaKind.PAGE,
    "text/css": MediaKind.STYLE,
    "text/javascript": MediaKind.SCRIPT,
    "application/javascript": MediaKind.SCRIPT,
    "application/x-javascript": MediaKind.SCRIPT,
    "application/wasm": MediaKind.SCRIPT,
    "application/json": MediaKind.DATA,
    "application/xml": MediaKind.DATA,
    "text/xml": MediaKind.DATA,
    "text/plain": MediaKind.DATA,
    "text/vtt": MediaKind.DATA,
    "application/pdf": MediaKind.DOCUMENT,
    "application/rtf": MediaKind.DOCUMENT,
    "application/msword": MediaKind.DOCUMENT,
    "application/epub+zip": MediaKind.DOCUMENT,
    "image/vnd.djvu": MediaKind.DOCUMENT,
    "application/zip": MediaKind.ARCHIVE,
    "application/x-zip-compressed": MediaKind.ARCHIVE,
    "application/x-rar-compressed": MediaKind.ARCHIVE,
    "application/vnd.rar": MediaKind.ARCHIVE,
    "application/x-7z-compressed": MediaKind.ARCHIVE,
    "application/gzip": MediaKind.ARCHIVE,
    "application/x-tar": MediaKind.ARCHIVE,
    "application/vnd.apple.mpegurl": MediaKind.STREAM,
    "application/x-mpegurl": MediaKind.STREAM,
    "audio/mpegurl": MediaKind.STREAM,
    "audio/x-mpegurl": MediaKind.STREAM,
    "application/dash+xml": MediaKind.STREAM,
    "application/vnd.ms-sstr+xml": MediaKind.STREAM,
    "application/mp4": MediaKind.VIDEO,
    "application/ogg": MediaKind.VIDEO,
    "application/x-shockwave-flash": MediaKind.VIDEO,
    "application/vnd.rn-realmedia": MediaKind.VIDEO,
    "application/font-woff": MediaKind.FONT,
    "application/font-woff2": MediaKind.FONT,
    "application/vnd.ms-fontobject": MediaKind.FONT,
    "application/x-font-ttf": MediaKind.FONT,
}
_TOP = {
    "video": MediaKind.VIDEO,
    "audio": MediaKind.AUDIO,
    "image": MediaKind.IMAGE,
    "font": MediaKind.FONT,
    "text": MediaKind.DATA,
}
_OFFICE = ("application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.", "application/vnd.ms-")

_EXTENSIONS: dict[MediaKind, str] = {
    MediaKind.VIDEO: "mp4 m4v m4s webm mov mkv avi flv ogv mpg mpeg wmv 3gp m2ts cmfv",
    MediaKind.AUDIO: "mp3 m4a ogg oga opus wav flac aac wma cmfa",
    MediaKind.STREAM: "m3u8 mpd ism f4m",
    MediaKind.IMAGE: "jpg jpeg png gif webp avif bmp svg ico jxl tif tiff",
    MediaKind.DOCUMENT: "pdf doc docx ppt pptx pps ppsx xls xlsx odt odp ods rtf djvu epub fb2",
    MediaKind.ARCHIVE: "zip rar 7z gz tar bz2 xz mbz iso",
    MediaKind.FONT: "woff woff2 ttf otf eot",
    MediaKind.SCRIPT: "js mjs wasm",
    MediaKind.STYLE: "css",
    MediaKind.DATA: "json xml txt csv vtt srt",
    MediaKind.PAGE: "html htm xhtml",
}
_BY_EXTENSION = {extension: kind for kind, names in _EXTENSIONS.items() for extension in names.split()}

_DESTINATIONS = {
    "document": MediaKind.PAGE,
    "iframe": MediaKind.PAGE,
    "frame": MediaKind.PAGE,
    "image": MediaKind.IMAGE,
    "video": MediaKind.VIDEO,
    "audio": MediaKind.AUDIO,
    "track": MediaKind.DATA,
    "font": MediaKind.FONT,
    "script": MediaKind.SCRIPT,
    "worker": MediaKind.SCRIPT,
    "serviceworker": MediaKind.SCRIPT,
    "sharedworker": MediaKind.SCRIPT,
    "style": MediaKind.STYLE,
    "json": MediaKind.DATA,
    "manifest": MediaKind.DATA,
}


def kind_of_type(content_type: str) -> MediaKind | None:
    """The kind of a lower-case media type essence ("text/html"); None for "" and application/octet-stream."""
    found = _EXACT.get(content_type)
    if found is not None:
        return found
    top = content_type.partition("/")[0]
    if top in _TOP:
        return _TOP[top]
    if content_type.startswith(_OFFICE):
        return MediaKind.DOCUMENT
    if content_type.endswith(("+json", "+xml")):
        return MediaKind.DATA
    return None


def kind_of_path(path: str) -> MediaKind | None:
    """The kind that a path's file extension names; None without a known one.

    ".ts" is nobody's: MPEG segments and TypeScript share it, and the bytes will tell.
    """
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if dot and stem and len(extension) <= 5 else None


def kind_of_destination(destination: str) -> MediaKind | None:
    """The kind that a Sec-Fetch-Dest asks for; None for "empty", "object", "embed" and unknown ones."""
    return _DESTINATIONS.get(destination)
