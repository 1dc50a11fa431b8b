"""Pages about a learner's own messages that wait for the link: the list, and each one's receipt.

Laws of this file: her text is shown as she wrote it; a state says what is known and no more; nothing is called sent
that the origin didn't take.
"""

from __future__ import annotations

import json
from datetime import datetime

from policies.frozen import Frozen
from proxy.pages.context import PageContext
from proxy.pages.full import full_page
from proxy.pages.moments import moment_text
from proxy.pages.phrases import phrases

KEPT = "tropa-kept"  # the word by which a script knows that its message waits


class Waiting(Frozen, frozen=True, kw_only=True):
    """One message. state and why: words of the outbox; files: names; token: seals her decisions, None: there are none.

    href      its receipt
    page_url  the page that it was written on; "" unknown
    acts      what she may do: "cancel", "again", "look", "arrived"
    """

    state: str
    why: str
    subject: str
    text: str
    since: datetime
    changed: datetime
    href: str
    page_url: str = ""
    files: tuple[str, ...] = ()
    token: str | None = None
    acts: tuple[str, ...] = ()


def outbox_page(messages: tuple[Waiting, ...], context: PageContext, *, left: tuple[Waiting, ...] = ()) -> bytes:
    """All of hers, the latest first. left: those from another login of hers."""
    rows = [_row(message, context) for message in messages]
    return full_page("outbox.html", context, rows=rows, left=[_row(message, context) for message in left])


def receipt_page(message: Waiting, context: PageContext, *, refresh_s: int | None = None) -> bytes:
    """What became of one. refresh_s: the page comes again by itself; None: it doesn't."""
    say = phrases(context.language)
    title = say.first(f"outbox.title_of.{message.state}", "outbox.title_of.other")
    return full_page("receipt.html", context, row=_row(message, context), heading=title, refresh_s=refresh_s)


def kept_by_script(language: str, receipt: str) -> bytes:
    """What a script is told instead of an answer: an error of Moodle's own kind, so that it keeps its words."""
    sentence = phrases(language)("outbox.by_script")
    exception = {"message": sentence, "errorcode": KEPT, "link": receipt, "moreinfourl": receipt}
    return json.dumps([{"error": True, "exception": exception}], ensure_ascii=False).encode()


def _row(message: Waiting, context: PageContext) -> dict[str, object]:
    say, language, zone = phrases(context.language), context.language, context.territory.zone
    why = f"outbox.why.{message.why}"
    return {
        "message": message,
        "state": say(f"outbox.state.{message.state}"),
        "why": say(why) if message.why and say.has(why) else "",
        "wrote": moment_text(message.since, context.now, zone, language),
        "changed": moment_text(message.changed, context.now, zone, language),
        "acts": [(act, say(f"outbox.act.{act}")) for act in message.acts],
    }
