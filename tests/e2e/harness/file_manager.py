"""An origin with the file manager that Moodle draws, written anew from its documented markup and order of events.

    Add…        opens a dialog with `<input type=file name=repo_upload_file>`; its form goes into a frame, as YUI's
                `io-upload-iframe` sends it: fields are added, the form is submitted and the fields are taken out again,
                and whatever the frame loads first is taken for the answer
    dropping    into the list sends an XMLHttpRequest with a FormData; there is no file field in the page
    fetch       the same form, for scripts that are written today

All go to `repository/repository_ajax.php?action=upload`, which answers in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.harness.origins import Asked, Given, Origin, origin

API = "/repository/repository_ajax.php?action=upload"
PAGE = "/user/files.php"
SESSKEY = "k7Gs0Qy2Zx"

_HTML = Path(__file__).with_name("file_manager.html").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form that arrived: its fields, and its file."""

    fields: dict[str, str]
    filename: str
    content: bytes


@dataclass(slots=True)
class FileManager:
    """A running origin. sent: forms in order; refuse: the error that the next one is answered with."""

    origin: Origin
    sent: list[Sent] = field(default_factory=list)
    refuse: str = ""


def _read(content_type: str, body: bytes) -> Sent:
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    filename, content = "", b""
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        value, told = value[:-2], head.decode()
        name = re.search(r'name="([^"]*)"', told)
        assert name is not None
        file = re.search(r'filename="([^"]*)"', told)
        if file is None:
            fields[name[1]] = value.decode()
        else:
            filename, content = file[1], value
    return Sent(fields=fields, filename=filename, content=content)


@contextmanager
def file_manager() -> Iterator[FileManager]:
    """The origin while the block runs."""

    def answer(asked: Asked, body: bytes) -> Given:
        if asked.command == "POST" and asked.path == API:
            if asked.headers.get("Content-Type", "").startswith("multipart/form-data"):
                running.sent.append(_read(asked.headers["Content-Type"], body))
            told: dict[str, object] = {"error": running.refuse, "errorcode": "maxbytes"} if running.refuse else {}
            if not told:
                told = {"url": "/draftfile.php/5/user/draft/712/x", "id": 712, "file": running.sent[-1].filename}
            text = json.dumps(told, ensure_ascii=False).encode()
            return Given(headers=[("Content-Type", "text/plain; charset=utf-8")], body=text)
        if asked.path.partition("?")[0] == PAGE:
            headers = [("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "MoodleSession=hers; path=/")]
            return Given(headers=headers, body=_HTML)
        return Given(status=404)

    with origin(answer) as there:
        running = FileManager(there)
        yield running
