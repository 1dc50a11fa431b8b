"""Uploads in pieces under `/.tropa/uploads` (tus 1.0.0), and the POST that hands one to the origin.

Laws: same origin only, no CORS; an upload opens by its sealed token, for its learner alone, and is sent to the path
that it was begun for and nowhere else; what policy refuses at that path is not taken in either; the origin's answer is
given out as it came, and nothing here ever stands for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime

from multidict import CIMultiDict

from policies.decide import enforced_verdict
from policies.decision import Decision, Verdict
from policies.values import CostlyHop
from proxy.account.identity import Identifier
from proxy.account.tokens import Tokens
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.elsewhere import Elsewhere
from proxy.errors import ExchangeError, Fault
from proxy.pages import static_href
from proxy.stages.context import Exchange
from proxy.uploads import tus
from proxy.uploads.desk import UploadDesk
from proxy.uploads.entry import Entry, digest
from proxy.uploads.form import assembled
from proxy.uploads.sending import UploadSender
from proxy.uploads.states import ANSWERED, State, may_send
from proxy.uploads.tus import refused
from proxy.uploads.word import HEADER, Claim, Send
from proxy.upstream.faults import client_left
from proxy.upstream.reply import OriginReply

PATH = "uploads"
_TOKEN_LIFETIME = timedelta(hours=24)  # of a page's: how long files may be chosen on it
_UPLOAD_LIFETIME = timedelta(days=7)  # an upload itself goes a day after it was last asked about
_MOST_FORM_BYTES = 1 << 20  # all fields of a form but its heavy files
_MOST_TARGET_CHARS = 2000
_WAIT_S = 20.0
_CHUNK_BYTES = 65_536
_NAVIGATION: Mapping[str, str] = {
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
}


class UploadRoutes:
    """Answers what a page's script asks. identifier: of the catalogue in force."""

    def __init__(
        self,
        *,
        desk: UploadDesk,
        sender: UploadSender,
        tokens: Tokens,
        elsewhere: Elsewhere,
        identifier: Callable[[], Identifier],
    ) -> None:
        self._desk = desk
        self._sender = sender
        self._tokens = tokens
        self._elsewhere = elsewhere
        self._identifier = identifier

    # -- what a page is told -----------------------------------------------------------------------------------

    def told(self, exchange: Exchange, headers: CIMultiDict[str]) -> Mapping[str, str]:
        """What the loader in a course's page is told; nothing where policy says nothing of uploads."""
        upload = exchange.decision.treatments.upload
        photos = (upload.photo_width_px or 0, upload.photo_quality)
        films, sound = (upload.film_width_px or 0, upload.film_bps), (upload.sound_bps or 0,)
        if not (photos[0] or films[0] or sound[0]) and upload.resumable_above_bytes is None:
            return {}
        most_bytes = exchange.limits.max_upload_bytes
        if upload.max_bytes is not None:
            most_bytes = min(most_bytes, upload.max_bytes)
        link_bps = exchange.decision.link.up_bps or 0
        figures = (*photos, *films, *sound, upload.resumable_above_bytes or 0, most_bytes, link_bps)
        until = exchange.now + _TOKEN_LIFETIME
        return {
            "uploads": static_href(f"uploads.{exchange.who.language}.js"),
            "upload": " ".join(map(str, figures)),
            "upload-token": self._tokens.seal("uploads", {}, learner=exchange.who.learner, expires=until),
        }

    # -- the protocol ------------------------------------------------------------------------------------------

    async def answer(self, exchange: Exchange, rest: str) -> Answer:
        """A request under the path; rest: what stands behind it, without a slash at its beginning."""
        try:
            answer = await self._answered(exchange, rest)
        except ExchangeError as error:
            if error.fault is Fault.UPSTREAM:
                raise
            exchange.tally.error = error.code
            answer = plain_answer(error.status, error.code.encode("ascii"), "text/plain")
            if not exchange.inbound.request.content.is_eof():
                answer.headers["Connection"] = "close"
        answer.headers["Tus-Resumable"] = tus.VERSION
        return answer

    async def _answered(self, exchange: Exchange, token: str) -> Answer:
        request = exchange.inbound.request
        method = request.method
        if method == "OPTIONS":
            return self._options(exchange)
        if method in ("POST", "PATCH", "HEAD", "DELETE") and request.headers.get("Tus-Resumable") != tus.VERSION:
            return plain_answer(412, b"", "text/plain", Tus_Version=tus.VERSION)
        if not token:
            if method != "POST":
                return plain_answer(405, b"", "text/plain", Allow="OPTIONS, POST")
            return await self._create(exchange)
        entry, target = self._opened(exchange, token)
        match method:
            case "HEAD":
                return self._head(entry)
            case "PATCH":
                return await self._piece(exchange, entry, target)
            case "GET":
                await self._sender.settled(entry.id, _WAIT_S if "Prefer" in request.headers else 0)
                return self._status(self._opened(exchange, token)[0])
            case "DELETE":
                await self._desk.drop(entry.id)
                return _empty(204)
            case _:
                return plain_answer(405, b"", "text/plain", Allow="DELETE, GET, HEAD, OPTIONS, PATCH")

    @staticmethod
    def _options(exchange: Exchange) -> Answer:
        answer = _empty(204)
        answer.headers["Tus-Version"] = tus.VERSION
        answer.headers["Tus-Extension"] = tus.EXTENSIONS
        answer.headers["Tus-Checksum-Algorithm"] = ",".join(tus.CHECKSUMS)
        answer.headers["Tus-Max-Size"] = str(exchange.limits.max_upload_bytes)
        return answer

    async def _create(self, exchange: Exchange) -> Answer:
        headers = exchange.inbound.request.headers
        if self._payload(exchange, "uploads", headers.get("Tropa-Token", "")) is None:
            raise refused(403, "upload-token")
        told = tus.metadata(headers)
        target, fingerprint = told.get("target", ""), told.get("fingerprint", "")
        if not target.startswith("/") or target.startswith("/.tropa/") or len(target) > _MOST_TARGET_CHARS:
            raise refused(400, "upload-malformed", "target")
        decision = self._allowed(exchange, target)
        if decision.treatments.upload.resumable_above_bytes is None:
            raise refused(403, "upload-by-policy")
        owner, length_bytes = exchange.who.learner, tus.number(headers, "Upload-Length")
        form = digest(exchange.inbound.scheme, exchange.inbound.authority, target.partition("?")[0])
        entry = await self._desk.create(owner, form, digest(fingerprint), length_bytes)
        until = exchange.now + _UPLOAD_LIFETIME
        payload = {"i": entry.id, "t": target}
        token = self._tokens.seal("upload", payload, learner=owner, expires=until)
        answer = self._told(_empty(201), entry)
        answer.headers["Location"] = f"/.tropa/{PATH}/{token}"
        return answer

    def _allowed(self, exchange: Exchange, target: str) -> Decision:
        """What policy says of a form sent there. Raises ExchangeError 403, or 503 for what opens later."""
        decision = self._elsewhere.upload(exchange, target)
        match enforced_verdict(decision):
            case Verdict.ALLOW:
                return decision
            case Verdict.DEFER:
                raise refused(503, "upload-later")
            case Verdict.REFUSE:
                raise refused(403, "upload-by-policy")

    def _head(self, entry: Entry) -> Answer:
        return self._told(_empty(200), entry)

    async def _piece(self, exchange: Exchange, entry: Entry, target: str) -> Answer:
        headers = exchange.inbound.request.headers
        if headers.get("Content-Type") != tus.PIECE_TYPE:
            raise refused(415, "upload-malformed", "Content-Type")
        offset, checksum = tus.number(headers, "Upload-Offset"), tus.checksum(headers)
        self._allowed(exchange, target)
        kept = await self._desk.piece(entry.id, offset, self._coming(exchange), checksum)
        return self._told(_empty(204), kept)

    async def _coming(self, exchange: Exchange) -> AsyncIterator[bytes]:
        """The request's body as it comes, counted where it crosses the hop that costs."""
        content, patience_s = exchange.inbound.request.content, exchange.catalogue.settings.timeouts.client_idle_s
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    chunk = await content.read(_CHUNK_BYTES)
            except Exception as error:  # the server side's own: a broken chunk, a lost client, a stall
                raise client_left(repr(error)) from error
            if not chunk:
                return
            _came(exchange, len(chunk))
            yield chunk

    def _status(self, entry: Entry) -> Answer:
        facts = {
            "state": entry.state.value,
            "attempts": entry.attempts,
            "offset": entry.offset_bytes,
            "length": entry.length_bytes,
            "status": entry.status,
            "sent": self._sender.sent_bytes(entry.id),
            "answer": self._sender.answers.get(entry.id) is not None,
        }
        return plain_answer(200, json.dumps(facts).encode("ascii"), "application/json")

    def _told(self, answer: Answer, entry: Entry) -> Answer:
        """tus's own fields, and what became of the form."""
        answer.headers["Upload-Offset"] = str(
            entry.length_bytes if entry.state is State.ACCEPTED else entry.offset_bytes
        )
        answer.headers["Upload-Length"] = str(entry.length_bytes)
        answer.headers["Upload-Expires"] = format_datetime(self._desk.until(entry), usegmt=True)
        answer.headers[HEADER] = f"{entry.state} {entry.attempts}"
        return answer

    # -- the form ----------------------------------------------------------------------------------------------

    async def send(self, exchange: Exchange, word: Send) -> Answer:
        """Begin an attempt, or say how it went. Raises ExchangeError: the form can't be understood."""
        exchange.tally.treatment, exchange.tally.direct_bytes = "upload", 0
        entry, target = self._opened(exchange, word.token)
        if target.partition("?")[0] != exchange.inbound.path:
            raise refused(404, "upload-gone", "another form's")
        body = await self._whole(exchange)
        if not may_send(entry.state, entry.attempts, word.attempt):
            answer = self._status(entry)
            answer.status = 200 if word.attempt <= entry.attempts else 409
            return answer
        content_type = exchange.inbound.request.headers.get("Content-Type", "")
        form = assembled(body, content_type, length_bytes=entry.length_bytes)
        changes: dict[str, str | None] = {HEADER: None}
        if word.by_form and "Sec-Fetch-Dest" in exchange.inbound.request.headers:
            changes |= _NAVIGATION
        answer = self._status(await self._sender.begin(exchange, entry, form, changes))
        answer.status = 202
        return answer

    async def claim(self, exchange: Exchange, word: Claim) -> OriginReply:
        """What the origin said. Raises ExchangeError 404: nothing, or it is gone."""
        entry, target = self._opened(exchange, word.token)
        reply = self._sender.answers.get(entry.id)
        if reply is None or entry.state not in (*ANSWERED, State.IN_DOUBT):
            raise refused(404, "upload-gone", "no answer")
        if target.partition("?")[0] != exchange.inbound.path:
            raise refused(404, "upload-gone", "another form's")
        await self._desk.claimed(entry.id)
        return reply

    async def _whole(self, exchange: Exchange) -> bytes:
        body = bytearray()
        async for chunk in self._coming(exchange):
            body += chunk
            if len(body) > _MOST_FORM_BYTES:
                raise refused(413, "upload-form-too-large")
        return bytes(body)

    # -- whose -------------------------------------------------------------------------------------------------

    async def forget(self, learner: str) -> int:
        """Her logout, or her word: how many uploads went."""
        return await self._desk.forget(learner)

    def _opened(self, exchange: Exchange, token: str) -> tuple[Entry, str]:
        """The upload and where it goes. Raises ExchangeError 404: it is over, or somebody else's."""
        payload = self._payload(exchange, "upload", token)
        entry = self._desk.get(str(payload.get("i"))) if payload is not None else None
        if payload is None or entry is None:
            raise refused(404, "upload-gone")
        return entry, str(payload.get("t"))

    def _payload(self, exchange: Exchange, purpose: str, token: str) -> Mapping[str, object] | None:
        """What a token says; those made for the id that this browser had before it logged in are hers as well."""
        for learner in (exchange.who.learner, *self._identifier().also_known(exchange.inbound, exchange.now)):
            payload = self._tokens.open(purpose, token, learner=learner, now=exchange.now)
            if payload is not None:
                return payload
        return None


def _came(exchange: Exchange, nbytes: int) -> None:
    """Bytes count once: as they come, or where the uplink is dear, as the whole form goes out there."""
    if exchange.decision.costly_hop is not CostlyHop.SITE_UPLINK:
        exchange.tally.up_bytes += nbytes


def _empty(status: int) -> Answer:
    headers = CIMultiDict({"Cache-Control": "no-store", "Content-Length": "0"})
    if status == 204:
        del headers["Content-Length"]
    return Answer(status=status, headers=headers, body=None if status == 204 else b"")
