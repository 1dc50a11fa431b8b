"""What Tropa adds to a head: `Tropa-Decision` (a structured field, RFC 9651), its own cookie, hints it asks for."""

from __future__ import annotations

from functools import lru_cache

from policies.decision import Decision
from policies.values import Audience
from proxy.deliver.answer import Answer
from proxy.stages.context import Exchange

DECISION_FIELD = "Tropa-Decision"
_ASKED_HINTS = "Save-Data, ECT, RTT, Downlink, Sec-CH-Viewport-Width, Sec-CH-DPR"
_MOST_REASONS = 6
_PLAIN = frozenset({"pass", "text", "image", "own"})


def dress_head(exchange: Exchange, answer: Answer) -> None:
    """Add what is ours to an answer's head. Changes the answer."""
    headers = answer.headers
    if exchange.catalogue.settings.decision_header:
        headers[DECISION_FIELD] = field_of(exchange)
    if exchange.who.set_cookie is not None and exchange.facts.audience in (Audience.PAGE, Audience.EMBED):
        headers.add("Set-Cookie", exchange.who.set_cookie)
    if exchange.tally.treatment == "page" and "Accept-CH" not in headers:
        headers["Accept-CH"] = _ASKED_HINTS


def field_of(exchange: Exchange) -> str:
    """The field as this exchange's answer carries it."""
    brief = exchange.facts.audience is Audience.SUBRESOURCE and exchange.tally.treatment in _PLAIN
    return decision_field(exchange.decision, exchange.tally.treatment, exchange.tally.support_code or "", brief=brief)


def decision_field(decision: Decision, treatment: str, support_code: str, *, brief: bool = False) -> str:
    """A structured-field item: the verdict as a token, the rest as its parameters.

    `allow;region="koryak";class=lesson;until=@1767225600;why="save-data video-withheld";treatment=page`
    brief  verdict, class and treatment alone: what rides on every picture must cost the learner next to nothing
    """
    text = f"{decision.verdict};class={decision.traffic_class}" if brief else _fixed_part(decision)
    text += f";treatment={treatment}"
    return f'{text};code="{support_code}"' if support_code else text


# A pure memory: the decider hands the same decisions out again and again. Each is held, so that its id stays its own.
_fixed_parts: dict[int, tuple[Decision, str]] = {}
_MAX_FIXED_PARTS = 2048


def _fixed_part(decision: Decision) -> str:
    known = _fixed_parts.get(id(decision))
    if known is not None:
        return known[1]
    text = _made_fixed_part(decision)
    if len(_fixed_parts) >= _MAX_FIXED_PARTS:
        _fixed_parts.clear()
    _fixed_parts[id(decision)] = (decision, text)
    return text


def _made_fixed_part(decision: Decision) -> str:
    until = int(decision.valid_until.timestamp()) if decision.valid_until is not None else None
    why = tuple(dict.fromkeys(reason.rule for reason in decision.reasons))[:_MOST_REASONS]
    return _by_values(decision.verdict.value, decision.region, decision.site, decision.traffic_class.value, until, why)


@lru_cache(maxsize=4096)
def _by_values(
    verdict: str, region: str, site: str | None, traffic_class: str, until: int | None, why: tuple[str, ...]
) -> str:
    # Region and site ids come from YAML keys and may not be tokens of RFC 9651: strings are always right.
    parts = [verdict, f'region="{_ascii(region)}"']
    if site:
        parts.append(f'site="{_ascii(site)}"')
    parts.append(f"class={traffic_class}")
    if until is not None:
        parts.append(f"until=@{until}")
    if why:
        parts.append(f'why="{_ascii(" ".join(why))}"')
    return ";".join(parts)


def _ascii(text: str) -> str:
    """RFC 9651 section 3.3.3: printable ASCII, with quotes and backslashes escaped."""
    plain = text.encode("ascii", "replace").decode("ascii")
    return "".join(c for c in plain if c.isprintable()).replace("\\", "\\\\").replace('"', '\\"')
