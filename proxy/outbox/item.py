"""A message in the outbox, as a value.

Law: a new state is a new value, by `moved` alone, so that the table of states holds for every one of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from policies.frozen import Frozen
from proxy.outbox.form import Form
from proxy.outbox.states import State, checked


class Address(Frozen, frozen=True, kw_only=True):
    """Where the form goes: the public URL's parts, and the raw target."""

    scheme: str
    host: str
    port: int
    target: str


class Item(Frozen, frozen=True, kw_only=True):
    """One message.

    owner        the learner's id; nobody else sees or sends it
    origin       the origin's id
    form_name    the preset's word for this kind of form
    form         all fields as she sent them; empty once it is done
    page_target  where the form can be had with a fresh token; "" nowhere
    look_target  where it will stand when it has arrived; "" nobody knows
    why          a word that says more than the state: "login", "same-words", "not-found", "closed", …
    seen_before  how often its words stood there when it was sent; None: nobody looked
    insists      she said: send it, even if the same words are there
    person       a hash of who she is to the origin, for a login after this one; "": not known
    """

    id: str
    owner: str
    origin: str
    form_name: str
    address: Address
    form: Form
    subject: str
    text: str
    page_target: str
    look_target: str
    digest: str
    since: datetime
    changed: datetime
    state: State = State.ACCEPTED
    why: str = ""
    seen_before: int | None = None
    insists: bool = False
    person: str = ""

    def moved(self, state: State, now: datetime, *, why: str = "") -> Item:
        """The same message in its next state. Raises WrongMove."""
        return replace(self, state=checked(self.state, state), changed=now, why=why)

    def noted(self, why: str, now: datetime) -> Item:
        """The same state for another reason."""
        return replace(self, why=why, changed=now)
