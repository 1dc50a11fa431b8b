"""An institute's own account at an origin: its token, and the requests that go out by it.

Laws of this file: the token is read from a file that nobody else may read, stands in no log, message or stored thing,
and goes to its own origin alone; by it only web services and stored files are asked for, never a page.
"""

from __future__ import annotations

import json
import logging
import re
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.model import Origin
from proxy.errors import ExchangeError
from proxy.exchange import authority_of
from proxy.headbytes import weight_bytes
from proxy.night.addresses import service_target
from proxy.upstream.reply import OriginReply
from proxy.upstream.retry import retry_after_s
from proxy.upstream.upstream import Upstream

logger = logging.getLogger("tropa.night")

JSON = Any
Weighed = Callable[[int, int, int], None]
_MAX_TOKEN_BYTES = 4096
_MAX_ANSWER_BYTES = 16 << 20
_MAX_TEXT_BYTES = 2 << 20
_REST = "/webservice/rest/server.php"
_FILES = "/webservice/pluginfile.php/"
_TOKEN = re.compile(r"[A-Za-z0-9._-]{16,128}")


class ServiceFailed(Exception):
    """The account can't be used now. why: a word for the report; retry_s: how long the origin asked to wait."""

    def __init__(self, why: str, *, retry_s: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.retry_s = retry_s


def read_token(path: Path) -> str:
    """Raises ServiceFailed: token-missing, token-open (others may read the file), token-malformed."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            token = file.read(_MAX_TOKEN_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        raise ServiceFailed("token-missing") from error
    if mode & 0o077:
        raise ServiceFailed("token-open")
    if not _TOKEN.fullmatch(token):
        raise ServiceFailed("token-malformed")
    return token


class Where(Frozen, frozen=True, kw_only=True):
    """A public address in the parts that a request is made of."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        return authority_of(self.scheme, self.host, self.port)


def where_of(url: str) -> Where:
    """Raises ValueError for what is no address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"no address: {parts.scheme}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Where(scheme=parts.scheme, host=parts.hostname, port=port, target=target)


def own_headers(where: Where, via: str) -> CIMultiDict[str]:
    """The head of a request of Tropa's own: nobody's cookies, nothing coded."""
    return CIMultiDict(
        {
            "Host": where.authority,
            "User-Agent": "Tropa",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Via": via,
        }
    )


def asked_bytes(where: Where, headers: CIMultiDict[str]) -> int:
    """What the head of a question weighs on the line, about."""
    return weight_bytes(f"GET {where.target} HTTP/1.1", headers.items())


def told_bytes(reply: OriginReply) -> int:
    """What an answer's head weighed."""
    return weight_bytes(f"HTTP/1.1 {reply.status} {reply.reason}", reply.headers.items())


class MoodleAccount:
    """A service account at one Moodle. site: where learners find it, as https://lms.example.org/moodle."""

    def __init__(self, upstream: Upstream, origin: Origin, site: str, token: str, *, via: str) -> None:
        self._upstream = upstream
        self._origin = origin
        self._site = site.rstrip("/")
        self._token = token
        self._via = via

    @property
    def site(self) -> str:
        """The site's front as learners have it, without a slash at its end."""
        return self._site

    @property
    def url(self) -> str:
        """Where its questions go, without the token: that stands in each question's body."""
        return f"{self._site}{_REST}"

    def file_target(self, target: str) -> str | None:
        """How a stored file is asked for by this account; None: it is no stored file. Holds the token."""
        path = service_target(target)
        return None if path is None else f"{path}{'&' if '?' in path else '?'}token={self._token}"

    async def call(self, function: str, now: datetime, weighed: Weighed | None = None, **values: str | int) -> JSON:
        """One web service's answer. weighed: told the status and the bytes of the answer and of the question.

        Raises ServiceFailed: the word of Moodle's own error ("invalidtoken" …), "service-503" and the like,
        "service-unreachable", "service-malformed".
        """
        fields = {"wstoken": self._token, "wsfunction": function, "moodlewsrestformat": "json", **values}
        body = urlencode(fields).encode("ascii")
        return _answer(await self._told(where_of(self.url), body, now, _MAX_ANSWER_BYTES, weighed))

    async def text(self, url: str, now: datetime, weighed: Weighed | None = None) -> str:
        """A stored text as the web services name it (a book's chapter). Raises ServiceFailed, as `call` does."""
        if not url.startswith(self._site + _FILES):
            raise ServiceFailed("service-malformed")
        bare = url.partition("?")[0]
        told = await self._told(where_of(f"{bare}?token={self._token}"), None, now, _MAX_TEXT_BYTES, weighed)
        if len(told) > _MAX_TEXT_BYTES:
            raise ServiceFailed("service-too-large")
        if told.lstrip()[:1] == b"{" and b'"errorcode"' in told:
            _answer(told)
        return told.decode("utf-8", "replace")

    async def _told(
        self, where: Where, body: bytes | None, now: datetime, max_bytes: int, weighed: Weighed | None
    ) -> bytes:
        """The answer's body; one byte more than max_bytes where it is longer."""
        headers = own_headers(where, self._via)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        up_bytes = asked_bytes(where, headers) + len(body or b"")
        try:
            reply = await self._upstream.open(
                origin=self._origin,
                method="GET" if body is None else "POST",
                scheme=where.scheme,
                host=where.host,
                port=where.port,
                target=where.target,
                headers=headers,
                body=body,
                content_length=None if body is None else len(body),
            )
        except ExchangeError as error:
            raise ServiceFailed("service-unreachable") from error
        try:
            told = await reply.read_up_to(max_bytes + 1, 120.0) if reply.status == 200 else b""
            if weighed is not None:
                weighed(reply.status, len(told) + told_bytes(reply), up_bytes)
            if reply.status != 200:
                raise ServiceFailed(f"service-{reply.status}", retry_s=retry_after_s(reply.headers, now))
            return told
        except ExchangeError as error:
            raise ServiceFailed("service-unreachable") from error
        finally:
            reply.release()


def _answer(body: bytes) -> JSON:
    """What a web service said. Errors come with status 200: as {"exception", "errorcode", "message"} from a service,
    as {"error", "errorcode", …} from the script that gives stored files.
    """
    if len(body) > _MAX_ANSWER_BYTES:
        raise ServiceFailed("service-too-large")
    try:
        value = json.loads(body)
    except ValueError as error:
        raise ServiceFailed("service-malformed") from error
    if isinstance(value, dict) and ("exception" in value or {"error", "errorcode"} <= value.keys()):
        raise ServiceFailed(_word(value.get("errorcode")))
    return value


def _word(code: object) -> str:
    """Moodle's own word for an error, as far as it is a word."""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,60}", code) else "service-error"
