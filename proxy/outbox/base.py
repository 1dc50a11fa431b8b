"""The outbox on disk: one row a message, written through to the disk before anybody is answered.

Laws of this file: a row is whole or absent; what was answered as kept survives the process and the machine
(`synchronous=FULL`); a base of another form is moved aside by `BaseThread`, never emptied.
"""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.outbox.form import Field, Form
from proxy.outbox.item import Address, Item
from proxy.outbox.states import State

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, state TEXT NOT NULL,
    changed REAL NOT NULL, facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_owner ON messages (owner, seq);
"""


class OutboxBase:
    """Statements on one connection; raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, item: Item) -> bool:
        """Insert or replace by id; the order of first insertion stays. True: it is on the disk."""
        facts = json.dumps(_facts(item), ensure_ascii=True, separators=(",", ":"))
        row = {"id": item.id, "owner": item.owner, "state": item.state.value, "facts": facts}
        self._connection.execute(
            "INSERT INTO messages (id, owner, state, changed, facts) VALUES (:id, :owner, :state, :changed, :facts) "
            "ON CONFLICT (id) DO UPDATE SET owner = :owner, state = :state, changed = :changed, facts = :facts",
            {**row, "changed": item.changed.timestamp()},
        )
        self._connection.commit()
        return True

    def all(self) -> list[Item]:
        """Every message in the order they came."""
        rows = self._connection.execute("SELECT facts FROM messages ORDER BY seq")
        return [_item(json.loads(facts)) for (facts,) in rows]

    def drop(self, ids: Iterable[str]) -> bool:
        """Forget these; the freed pages are overwritten (`secure_delete`)."""
        self._connection.executemany("DELETE FROM messages WHERE id = ?", ((one,) for one in ids))
        self._connection.commit()
        return True

    def close(self) -> None:
        self._connection.close()


def open_base(path: Path, *, survives: str = "power cut") -> OutboxBase:
    """The base at this path. survives: "power cut", or "kill", which waits for no disk. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL" if survives == "power cut" else "PRAGMA synchronous=OFF")
        connection.execute("PRAGMA secure_delete=ON")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return OutboxBase(connection)


def _facts(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "owner": item.owner,
        "origin": item.origin,
        "form_name": item.form_name,
        "address": [item.address.scheme, item.address.host, item.address.port, item.address.target],
        "multipart": item.form.multipart,
        "call": item.form.is_call,
        "fields": [[f.name, b64encode(f.value).decode(), f.filename, f.content_type] for f in item.form.fields],
        "subject": item.subject,
        "text": item.text,
        "page": item.page_target,
        "look": item.look_target,
        "digest": item.digest,
        "since": item.since.timestamp(),
        "changed": item.changed.timestamp(),
        "state": item.state.value,
        "why": item.why,
        "seen_before": item.seen_before,
        "insists": item.insists,
        "person": item.person,
    }


def _item(facts: dict[str, Any]) -> Item:
    scheme, host, port, target = facts["address"]
    fields = tuple(
        Field(name=name, value=b64decode(value), filename=filename, content_type=content_type)
        for name, value, filename, content_type in facts["fields"]
    )
    return Item(
        id=facts["id"],
        owner=facts["owner"],
        origin=facts["origin"],
        form_name=facts["form_name"],
        address=Address(scheme=scheme, host=host, port=port, target=target),
        form=Form(fields=fields, multipart=facts["multipart"], is_call=facts.get("call", False)),
        subject=facts["subject"],
        text=facts["text"],
        page_target=facts["page"],
        look_target=facts["look"],
        digest=facts["digest"],
        since=_instant(facts["since"]),
        changed=_instant(facts["changed"]),
        state=State(facts["state"]),
        why=facts["why"],
        seen_before=facts["seen_before"],
        insists=facts["insists"],
        person=facts.get("person", ""),
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
