"""What a URL or a declared type says about what lies behind it."""

from __future__ import annotations

import re

from policies.values import MediaKind
from proxy.transforms.html.grammar import one_of

_EXTENSIONS = {
    MediaKind.STREAM: "m3u8 mpd",
    MediaKind.VIDEO: "mp4 m4v webm ogv mov avi mkv wmv flv mpg mpeg 3gp",
    MediaKind.AUDIO: "mp3 ogg oga wav m4a aac flac opus wma",
    MediaKind.DOCUMENT: "pdf doc docx ppt pptx pps ppsx xls xlsx odt odp ods rtf djvu epub",
    MediaKind.ARCHIVE: "zip rar 7z tar gz tgz bz2 xz",
}
_KIND_OF = {extension: kind for kind, names in _EXTENSIONS.items() for extension in names.split()}
_ALTERNATIVES = "|".join(sorted(_KIND_OF, key=len, reverse=True))  # the longer first: "webm" is no "web"
# At the end of the path, or of a parameter (file.php?file=/2/lecture.mp4).
_EXTENSION = re.compile(rf"\.({_ALTERNATIVES})(?=$|[?#&;])", re.IGNORECASE)
_HEAVY_EXTENSION = rb"\.(?:" + one_of(_KIND_OF) + rb")(?![A-Za-z0-9])"
# At the name of an attribute: a link whose address has such an extension.
HEAVY_HREF = (
    rb"[hH][rR][eE][fF][\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"
    rb"""\"[^".]*+(?:\.[^".]*+)*?|'[^'.]*+(?:\.[^'.]*+)*?|[^"'>.\t\n\f\r ]*+(?:\.[^>.\t\n\f\r ]*+)*?)"""
    + _HEAVY_EXTENSION
)
_STREAM_TYPES = ("mpegurl", "dash+xml")


def kind_of(url: str, declared_type: str = "") -> MediaKind | None:
    """VIDEO, STREAM, AUDIO, DOCUMENT or ARCHIVE; None when neither the type nor the name tells."""
    declared_type = declared_type.lower()
    if any(name in declared_type for name in _STREAM_TYPES):
        return MediaKind.STREAM
    authority_end = url.find("/", url.find("//") + 2)
    match = _EXTENSION.search(url, authority_end) if authority_end > 0 else None
    if match:
        return _KIND_OF[match[1].lower()]
    if declared_type.startswith("video/"):
        return MediaKind.VIDEO
    return MediaKind.AUDIO if declared_type.startswith("audio/") else None
