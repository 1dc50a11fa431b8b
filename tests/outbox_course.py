"""A forum as the outbox meets it, and a process that may die at any step of its work.

Laws of this file: the forum is strict (a token of the session, a closed discussion, a login) and keeps every post that
it took; a death is an exception that nothing catches, before or after a step, so that disk and forum stay as they were.
"""

from __future__ import annotations

import contextlib
import html
import random
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from multidict import CIMultiDict

from policies.model import Limits, OutboxForm
from proxy.errors import upstream_unreachable
from proxy.outbox.base import OutboxBase, open_base
from proxy.outbox.form import Field, Form
from proxy.outbox.item import Address, Item
from proxy.outbox.judging import Said
from proxy.outbox.outbox import Outbox
from proxy.outbox.side import Lost, NotSent, Visit
from tests.builders import an_origin
from tests.clocks import HandClock

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ADDRESS = Address(scheme="http", host="lms.test", port=80, target="/mod/forum/post.php")
DISCUSSION = "/mod/forum/discuss.php?d=4"
RULE = OutboxForm(
    name="forum-post",
    pattern=re.compile(r"^/mod/forum/post\.php\Z"),
    token="sesskey",
    text=("message",),
    subject="subject",
    pages=("/mod/forum/discuss.php?d={d}",),
    look=("/mod/forum/discuss.php?d={d}",),
    unless=("edit",),
    done=(re.compile(r"^/mod/forum/discuss\.php\#p[^/]*\Z"),),
    refused_with=("error",),
    login=(re.compile(r"^/login/.*\Z"),),
    person=(re.compile(r'"userId":([0-9]+)'),),
)


class Died(BaseException):
    """The process is killed here."""


@dataclass(slots=True)
class Fate:
    """When the process dies: after so many steps more; None: it lives on."""

    steps_left: int | None = None

    def step(self) -> None:
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise Died


@dataclass(slots=True)
class Forum:
    """The origin. tokens: by session, changed at every login; posts: what it took, in order."""

    posts: list[tuple[str, str]] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    closes_after_reading: bool = False
    gone: bool = False
    lets_guests_read: bool = False
    is_down: bool = False
    answers_lost: int = 0
    status: int | None = None
    fate: Fate = field(default_factory=Fate)
    chance: random.Random | None = None

    async def read(self, address: Address, target: str, visit: Visit) -> Said:
        self.fate.step()
        if self._cut():
            raise upstream_unreachable("cut")
        token = self.sessions.get(visit.headers["Cookie"])
        if token is None and self.lets_guests_read:
            return Said(status=200, page='<html><script>M.cfg = {"userId":0}</script><body>Войдите</body></html>')
        if token is None:
            return Said(status=303, location="http://lms.test/login/index.php")
        if self.gone:
            return Said(status=404)
        said = "".join(f"<div class=post><p>{html.escape(text)}</p></div>" for _, text in self.posts)
        form = f'<form action="/mod/forum/post.php" method=post><input name="sesskey" value="{token}"></form>'
        page = Said(status=200, page=f"<html><body>{said}{'' if self.closed else form}</body></html>")
        self.closed = self.closed or self.closes_after_reading
        return page

    async def post(self, address: Address, form: Form, visit: Visit, *, page_target: str) -> Said | NotSent | Lost:
        self.fate.step()
        if self._cut():
            return NotSent("upstream-unreachable")
        said = self._taken(form, visit)
        self.fate.step()
        if self.answers_lost or self._cut():
            self.answers_lost = max(0, self.answers_lost - 1)
            return Lost("upstream-truncated")
        return said

    def _taken(self, form: Form, visit: Visit) -> Said:
        if self.status is not None:
            return Said(status=self.status)
        token = self.sessions.get(visit.headers["Cookie"])
        if token is None:
            return Said(status=303, location="http://lms.test/login/index.php")
        if form.get("sesskey") != token:
            return Said(status=403)
        if self.closed:
            return Said(status=303, location=f"http://lms.test{DISCUSSION}")  # as Moodle's post.php, without a word
        self.posts.append((visit.learner, form.get("message")))
        return Said(status=303, location=f"http://lms.test{DISCUSSION}#p{len(self.posts)}")

    def _cut(self) -> bool:
        return self.is_down or (self.chance is not None and self.chance.random() < 0.15)


class MortalStore:
    """The real base; the process may die before and after each of its statements."""

    def __init__(self, path: Path, fate: Fate) -> None:
        self._base: OutboxBase = open_base(path, survives="kill")
        self._fate = fate
        self.is_full = False

    async def put(self, item: Item) -> bool:
        self._fate.step()
        if self.is_full:
            return False
        self._base.put(item)
        self._fate.step()
        return True

    async def drop(self, ids: Iterable[str]) -> bool:
        self._fate.step()
        return self._base.drop(ids)

    async def all(self) -> list[Item]:
        return self._base.all()

    def close(self) -> None:
        """A killed process lets go of its file without a word."""
        with contextlib.suppress(sqlite3.Error):
            self._base.close()


def an_outbox(store: MortalStore, forum: Forum, clock: HandClock, *, limits: Limits | None = None) -> Outbox:
    return Outbox(store, forum, clock, lambda origin, name: RULE, lambda: limits or Limits())


def a_visit(learner: str = "anna", cookie: str = "MoodleSession=a") -> Visit:
    return Visit(learner=learner, origin=an_origin("lms"), headers=CIMultiDict({"Cookie": cookie}))


def a_form(text: str) -> Form:
    said = {"sesskey": "old", "d": "4", "subject": "Re: Начало", "message": text}
    return Form(fields=tuple(Field(name=name, value=value.encode()) for name, value in said.items()))


def an_item(item_id: str, text: str, *, owner: str = "anna", at: datetime = NOON) -> Item:
    form = a_form(text)
    return Item(
        id=item_id,
        owner=owner,
        origin="lms",
        form_name="forum-post",
        address=ADDRESS,
        form=form,
        subject="Re: Начало",
        text=text,
        page_target=DISCUSSION,
        look_target=DISCUSSION,
        digest=form.digest(without="sesskey"),
        since=at,
        changed=at,
    )
