"""What of an exchange is a message for the outbox: the rule that lists its form, the form, and the item it becomes.

Laws: an assessment is none, nor is what policy exempts; a cancel button, an edit, an empty text are none; a form is
read whole or not at all, within its limit and its time.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from urllib.parse import quote

from policies.model import Origin, OutboxForm
from policies.values import Audience, TrafficClass
from proxy.errors import bad_request
from proxy.outbox.call import is_call_of
from proxy.outbox.form import Form
from proxy.outbox.item import Address, Item
from proxy.stages.context import Exchange

_FORM_S = 120.0
_FIELD = re.compile(r"\{([^{}]*)\}")


def listed(exchange: Exchange) -> OutboxForm | None:
    """What policy says of this exchange's form; None: it isn't one for the outbox."""
    inbound, facts = exchange.inbound, exchange.facts
    origin = inbound.origin
    if inbound.request.method != "POST" or origin is None or facts.audience not in (Audience.PAGE, Audience.API):
        return None
    decision = exchange.decision
    if decision.exempt or decision.bypassed or decision.traffic_class is TrafficClass.ASSESSMENT:
        return None
    length = inbound.request.content_length
    if not length or length > exchange.limits.outbox_form_bytes or "Expect" in inbound.request.headers:
        return None
    rule = rule_of(origin, inbound.path)
    if rule is None or bool(rule.calls) is not (facts.audience is Audience.API):
        return None
    return rule if not rule.calls or is_call_of(facts.query, rule) else None


def rule_of(origin: Origin, path: str) -> OutboxForm | None:
    """The first form of this path: the origin's own, then its preset's."""
    return next((rule for rule in (*origin.outbox, *origin.preset.outbox) if rule.pattern.search(path)), None)


def is_message(form: Form, rule: OutboxForm) -> bool:
    """Whether something was written, and it is no edit, no cancel button."""
    changed = any(form.get(name).strip() not in ("", "0") for name in rule.unless)
    return not changed and bool(form.first(rule.text).strip())


async def body_of(exchange: Exchange) -> bytes:
    """The whole form; `listed` has seen that it is small. Raises ExchangeError."""
    request = exchange.inbound.request
    length = request.content_length or 0
    try:
        async with asyncio.timeout(_FORM_S):
            body = await request.content.readexactly(length)
    except TimeoutError as error:
        raise bad_request("form-too-slow") from error
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise bad_request("client-left", repr(error)) from error
    exchange.tally.up_bytes += len(body)
    return body


def item_of(exchange: Exchange, rule: OutboxForm, form: Form) -> Item:
    """The message as it is kept, accepted now."""
    inbound = exchange.inbound
    assert inbound.origin is not None, "asked for by `listed`"
    target = inbound.path if form.is_call else inbound.target  # a call's address has the token in it
    said = "\x1f".join((inbound.origin.id, target, form.digest(without=rule.token)))
    page_target = _filled(rule.pages, form) or _came_from(exchange)
    return Item(
        id=secrets.token_urlsafe(9),
        owner=exchange.who.learner,
        origin=inbound.origin.id,
        form_name=rule.name,
        address=Address(scheme=inbound.scheme, host=inbound.host, port=inbound.port, target=inbound.target),
        form=form,
        subject=form.get(rule.subject)[:200] if rule.subject else "",
        text=form.first(rule.text),
        page_target=page_target,
        look_target=_filled(rule.look, form) or (page_target if form.is_call else ""),
        digest=hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest(),
        since=exchange.now,
        changed=exchange.now,
    )


def _filled(templates: tuple[str, ...], form: Form) -> str:
    """The first of these addresses whose fields all have a value."""
    for template in templates:
        names = _FIELD.findall(template)
        if all(form.get(name).strip() not in ("", "0") for name in names):
            return _FIELD.sub(lambda found: quote(form.get(found[1]).strip(), safe=""), template)
    return ""


def _came_from(exchange: Exchange) -> str:
    inbound = exchange.inbound
    home = f"{inbound.scheme}://{inbound.authority}"
    referer = inbound.request.headers.get("Referer", "").partition("#")[0]
    target = referer.removeprefix(home)
    return target if referer.startswith(home + "/") and not target.startswith("/.tropa/") else ""
