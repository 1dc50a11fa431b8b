"""What learners did: sessions, posts, uploads, quiz answers, chat lines. It lives in memory and ends with the server.

Laws: records are values and are only added; whoever inspects gets tuples. With a journal each accepted
record is also appended to a file as one line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

QUIZ_LIMIT_S = 1200
QUIZ_GRACE_S = 60
MAX_SESSIONS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A learner who may log in."""

    id: int
    login: str
    name: str
    password: str


USERS: dict[str, User] = {
    "teacher1": User(id=5, login="teacher1", name="Учитель математики (teacher1)", password="Metodika-1"),  # noqa: S106 - shown on the login page
    "teacher2": User(id=6, login="teacher2", name="Учитель биологии (teacher2)", password="Metodika-2"),  # noqa: S106 - shown on the login page
}

# Who fetches for a school at night: by web services alone, never through the login page.
SERVICE_USER = User(id=9, login="tropa-service", name="Служебная учётная запись", password="Sluzhba-1")  # noqa: S106 - the sample's own


@dataclass(slots=True, kw_only=True)
class Session:
    """One browser's visit; `user` is None for a guest."""

    key: str
    sesskey: str
    user: User | None = None
    login_tokens: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An attempt to log in. `how` is `form` or `api`."""

    login: str
    accepted: bool
    how: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it arrived. `item_id` is the draft area it was put into; `sha256` is of the exact bytes."""

    id: int
    item_id: int
    login: str
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    at: float
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message in the forum; `parent` is 0 for the first of a discussion."""

    id: int
    discussion: int
    parent: int
    login: str
    author: str
    subject: str
    message: str
    at: float
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizSave:
    """Answers that the server accepted. `how` is `autosave`, `page`, `submit` or `timeup`."""

    attempt: int
    login: str
    how: str
    answers: Mapping[str, str]
    at: float


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try at the quiz."""

    id: int
    login: str
    started: float
    deadline: float
    answers: dict[str, str] = field(default_factory=dict)
    finished: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """One line of a chat or of a webinar's public chat."""

    id: int
    room: str
    name: str
    text: str
    at: float
    system: bool = False


class CourseState:
    """Everything that learners changed since the server started. Properties are snapshots."""

    def __init__(self, *, clock: Callable[[], float], uploads_dir: Path, journal: Path | None = None) -> None:
        self.clock = clock
        self.uploads_dir = uploads_dir
        self._journal = journal
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[str, User] = {}
        self._attempts: dict[int, Attempt] = {}
        self._posts: list[Post] = []
        self._uploads: list[Upload] = []
        self._submissions: list[Upload] = []
        self._quiz_saves: list[QuizSave] = []
        self._logins: list[Login] = []
        self._chat: list[ChatLine] = []
        self._views: list[str] = []
        self._last_id = 900

    @property
    def posts(self) -> tuple[Post, ...]:
        """Messages that learners wrote, in order; the ones the course begins with are not among them."""
        return tuple(self._posts)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """All accepted files, drafts too."""
        return tuple(self._uploads)

    @property
    def submissions(self) -> tuple[Upload, ...]:
        """Files handed in for the assignment."""
        return tuple(self._submissions)

    @property
    def quiz_saves(self) -> tuple[QuizSave, ...]:
        """Every accepted saving of answers, in order."""
        return tuple(self._quiz_saves)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Copies of all tries at the quiz."""
        return tuple(dataclasses.replace(a, answers=dict(a.answers)) for a in self._attempts.values())

    @property
    def logins(self) -> tuple[Login, ...]:
        """All attempts to log in, refused ones too."""
        return tuple(self._logins)

    @property
    def chat_lines(self) -> tuple[ChatLine, ...]:
        """All chat lines of all rooms."""
        return tuple(self._chat)

    @property
    def views(self) -> tuple[str, ...]:
        """Every activity page that was asked for, by whomever: opening one may mark it as done."""
        return tuple(self._views)

    def note_view(self, path: str) -> None:
        """An activity's own page was asked for."""
        if len(self._views) < MAX_SESSIONS:
            self._views.append(path)

    @property
    def session_count(self) -> int:
        """How many visits the server remembers."""
        return len(self._sessions)

    def next_id(self) -> int:
        """A number that nothing else has."""
        self._last_id += 1
        return self._last_id

    def open_session(self, user: User | None = None) -> Session:
        """A new visit; the oldest is forgotten when there are too many."""
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = Session(key=secrets.token_hex(16), sesskey=secrets.token_urlsafe(8)[:10], user=user)
        self._sessions[session.key] = session
        return session

    def session(self, key: str | None) -> Session | None:
        """The visit with this cookie, or None."""
        return self._sessions.get(key or "")

    def close_session(self, session: Session) -> None:
        """Forget a visit."""
        self._sessions.pop(session.key, None)

    def end_sessions(self, login: str) -> None:
        """End all visits of a user, as a time-out does: her browser isn't told."""
        for session in [one for one in self._sessions.values() if one.user is not None and one.user.login == login]:
            self.close_session(session)

    def check_password(self, login: str, password: str, *, how: str) -> User | None:
        """The user, when name and password fit; either way the attempt is recorded."""
        known = {**USERS, SERVICE_USER.login: SERVICE_USER} if how == "api" else USERS
        user = known.get(login.strip().lower())
        accepted = user is not None and secrets.compare_digest(user.password.encode(), password.encode())
        entry = Login(login=login[:100], accepted=accepted, how=how, at=self.clock())
        self._logins.append(entry)
        self._note("login", entry)
        return user if accepted else None

    def issue_token(self, user: User) -> str:
        """The user's token for the mobile app: the same one each time."""
        known = next((token for token, owner in self._tokens.items() if owner == user), None)
        token = known or secrets.token_hex(16)
        self._tokens[token] = user
        return token

    def token_owner(self, token: str) -> User | None:
        """Whose token it is, or None."""
        return self._tokens.get(token)

    def add_post(self, post: Post) -> None:
        """Accept a forum message."""
        self._posts.append(post)
        self._note("post", post)

    def add_upload(self, upload: Upload) -> None:
        """Accept a file."""
        self._uploads.append(upload)
        self._note("upload", upload)

    def drafts(self, item_id: int, login: str) -> tuple[Upload, ...]:
        """The files that this learner put into this draft area."""
        return tuple(u for u in self._uploads if u.item_id == item_id and u.login == login)

    def submit(self, uploads: tuple[Upload, ...]) -> None:
        """Hand files in for the assignment."""
        self._submissions.extend(uploads)
        for upload in uploads:
            self._note("submission", upload)

    def start_attempt(self, login: str) -> Attempt:
        """The learner's unfinished try, or a new one."""
        now = self.clock()
        for attempt in self._attempts.values():
            if attempt.login == login and attempt.finished is None and now < attempt.deadline + QUIZ_GRACE_S:
                return attempt
        attempt = Attempt(id=self.next_id(), login=login, started=now, deadline=now + QUIZ_LIMIT_S)
        self._attempts[attempt.id] = attempt
        return attempt

    def attempt(self, number: int, login: str) -> Attempt | None:
        """A try, if it is this learner's."""
        found = self._attempts.get(number)
        return found if found is not None and found.login == login else None

    def save_answers(self, attempt: Attempt, answers: Mapping[str, str], *, how: str) -> bool:
        """Keep answers; False when the try is over (finished, or past its time and the grace)."""
        now = self.clock()
        if attempt.finished is not None or now > attempt.deadline + QUIZ_GRACE_S:
            return False
        attempt.answers.update(answers)
        if how in {"submit", "timeup"}:
            attempt.finished = now
        saved = MappingProxyType(dict(answers))
        entry = QuizSave(attempt=attempt.id, login=attempt.login, how=how, answers=saved, at=now)
        self._quiz_saves.append(entry)
        self._note("quiz_save", entry)
        return True

    def add_chat_line(self, room: str, name: str, text: str, *, system: bool = False) -> ChatLine:
        """Append a line to a room."""
        line = ChatLine(id=self.next_id(), room=room, name=name, text=text, at=self.clock(), system=system)
        self._chat.append(line)
        return line

    def _note(self, event: str, record: Any) -> None:
        if self._journal is None:
            return
        line = json.dumps({"event": event, **_plain(record)}, ensure_ascii=False)
        with self._journal.open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "path"}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value
