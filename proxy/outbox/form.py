"""A posted form: read, compared, and written again with another token.

Laws of this file: pure; every field and file keeps its bytes, names and order; what can't be read whole is None, never
half a form. Formats: application/x-www-form-urlencoded (URL Standard section 5) and multipart/form-data (RFC 7578).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from email.message import Message
from html import unescape
from urllib.parse import parse_qsl, urlencode

from policies.frozen import Frozen

_MOST_FIELDS = 500
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_HEAD_FIELD = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}):[ \t]*([^\r\n]{0,4000})$")
_NAME = re.compile(r';\s*name="([^"]{0,500})"', re.IGNORECASE)
_FILE = re.compile(r';\s*filename="((?:[^"\\]|\\.){0,500})"', re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")


class Field(Frozen, frozen=True, kw_only=True):
    """One field. filename None: a plain one; content_type as the browser said, of files."""

    name: str
    value: bytes
    filename: str | None = None
    content_type: str = ""

    @property
    def text(self) -> str:
        return self.value.decode("utf-8", "replace")


class Form(Frozen, frozen=True, kw_only=True):
    """A form's fields in their order. multipart: how it was sent, and is sent again.

    is_call  it is a script's call (`proxy.outbox.call`): its first field is all that is sent
    """

    fields: tuple[Field, ...]
    multipart: bool = False
    is_call: bool = False

    def get(self, name: str) -> str:
        """The first plain field of this name; "" where there is none."""
        return next((field.text for field in self.fields if field.name == name and field.filename is None), "")

    def first(self, names: Iterable[str]) -> str:
        """The first of these fields that isn't blank."""
        return next((text for name in names if (text := self.get(name)).strip()), "")

    def with_value(self, name: str, value: str) -> Form:
        """The same form with this field's value replaced, or added at the end."""
        changed = tuple(
            replace(field, value=value.encode()) if field.name == name and field.filename is None else field
            for field in self.fields
        )
        if all(field.name != name for field in self.fields):
            changed += (Field(name=name, value=value.encode()),)
        return replace(self, fields=changed)

    @property
    def files(self) -> tuple[Field, ...]:
        """The files that were chosen."""
        return tuple(field for field in self.fields if field.filename)

    def digest(self, *, without: str) -> str:
        """Equal for two forms that say the same, whatever their token and their boundary."""
        hashing = hashlib.sha256()
        for field in self.fields:
            if field.name == without:
                continue
            for part in (field.name.encode(), (field.filename or "").encode(), field.value):
                hashing.update(len(part).to_bytes(8, "big") + part)
        return hashing.hexdigest()

    def encoded(self) -> tuple[bytes, str]:
        """(body, Content-Type)."""
        if self.is_call:
            return self.fields[0].value, "application/json"
        if not self.multipart:
            pairs = [(field.name, field.value) for field in self.fields]
            return urlencode(pairs).encode("ascii"), _URLENCODED
        boundary = f"tropa{secrets.token_hex(16)}"
        parts = [_part(field, boundary) for field in self.fields]
        return b"".join((*parts, f"--{boundary}--\r\n".encode())), f"{_MULTIPART}; boundary={boundary}"


def _part(field: Field, boundary: str) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field.name)}"'
    if field.filename is not None:
        head += f'; filename="{_quoted(field.filename)}"\r\nContent-Type: {field.content_type}'
    return head.encode() + b"\r\n\r\n" + field.value + b"\r\n"


def _quoted(text: str) -> str:
    """HTML section 4.10.21.8: a name inside quotes."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def read_form(body: bytes, content_type: str) -> Form | None:
    """The form; None: another kind of body, or one that can't be read whole."""
    said = Message()
    said["Content-Type"] = content_type
    kind = said.get_content_type()
    if kind == _URLENCODED:
        return _urlencoded(body)
    boundary = said.get_boundary()
    if kind != _MULTIPART or not boundary or len(boundary) > 200:
        return None
    return _multipart(body, b"--" + boundary.encode("latin-1", "replace"))


def _urlencoded(body: bytes) -> Form | None:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="surrogateescape"
        )
    except (ValueError, UnicodeDecodeError):
        return None
    fields = (Field(name=_plain(name), value=value.encode("utf-8", "surrogateescape")) for name, value in pairs)
    return Form(fields=tuple(fields))


def _plain(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _multipart(body: bytes, delimiter: bytes) -> Form | None:
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(pieces) < 2 or len(pieces) > _MOST_FIELDS + 2 or not pieces[-1].startswith(b"--"):
        return None
    fields = [_field(piece) for piece in pieces[1:-1]]
    if any(field is None for field in fields):
        return None
    return Form(fields=tuple(field for field in fields if field is not None), multipart=True)


def _field(piece: bytes) -> Field | None:
    head, gap, value = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    lines = [_HEAD_FIELD.match(line) for line in head.split(b"\r\n")]
    if not gap or any(line is None for line in lines):
        return None
    said = {line[1].lower(): line[2].decode("utf-8", "replace") for line in lines if line is not None}
    disposition = said.get(b"content-disposition", "")
    name, file = _NAME.search(disposition), _FILE.search(disposition)
    if name is None or not disposition.lower().startswith("form-data"):
        return None
    if file is None:
        return Field(name=_unquoted(name[1]), value=value)
    kind = said.get(b"content-type", "application/octet-stream")
    return Field(name=_unquoted(name[1]), value=value, filename=_unquoted(file[1]), content_type=kind)


def _unquoted(text: str) -> str:
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def words(markup: str) -> str:
    """What a person reads of a text or a page: no tags, no entities, every gap one space."""
    return " ".join(unescape(_TAG.sub(" ", markup)).replace("\u00a0", " ").split())
