"""What Tropa adds to a head."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import http_sf
import pytest

from policies.decision import Decision, Verdict
from policies.model import Settings
from policies.values import Audience, Reason
from proxy.heads import decision_field, dress_head
from proxy.stages.context import Exchange
from tests.exchanges import a_decision, an_answer, an_exchange

UNTIL = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)


def parsed(field: str) -> tuple[object, dict[str, object]]:
    return http_sf.parse(field.encode(), tltype="item")


def test_the_field_says_what_was_decided_until_when_and_why() -> None:
    decision = a_decision(
        verdict=Verdict.DEFER, site="tigil", valid_until=UNTIL, reasons=(Reason(rule="window-closed"),)
    )
    verdict, params = parsed(decision_field(decision, "deferred", "7KX-2PM"))
    assert verdict == "defer"
    assert params["region"] == "koryak" and params["site"] == "tigil" and params["why"] == "window-closed"
    assert params["until"] == UNTIL or params["until"] == int(UNTIL.timestamp())
    assert params["code"] == "7KX-2PM" and params["treatment"] == "deferred"


def test_reasons_are_named_once_and_not_endlessly() -> None:
    reasons = tuple(Reason(rule=f"rule-{n % 9}") for n in range(30))
    _, params = parsed(decision_field(a_decision(reasons=reasons), "page", ""))
    assert params["why"] == "rule-0 rule-1 rule-2 rule-3 rule-4 rule-5"


@pytest.mark.parametrize("region", ['a"b', "a\\b", "Корякский", "a\r\nSet-Cookie: x=1", "a\x7fb"])
def test_no_name_of_a_region_breaks_the_field(region: str) -> None:
    field = decision_field(a_decision(region=region), "pass", "")
    assert field.isascii() and "\r" not in field and "\n" not in field
    assert isinstance(parsed(field)[1]["region"], str)


def dressed(exchange: Exchange) -> dict[str, str]:
    answer = an_answer()
    dress_head(exchange, answer)
    return dict(answer.headers)


def test_what_rides_on_every_picture_is_brief() -> None:
    exchange = an_exchange(audience=Audience.SUBRESOURCE, decision=a_decision(reasons=(Reason(rule="save-data"),)))
    exchange.tally.treatment = "image"
    _, params = parsed(dressed(exchange)["Tropa-Decision"])
    assert set(params) == {"class", "treatment"}
    exchange.tally.treatment = "withheld"
    assert "why" in parsed(dressed(exchange)["Tropa-Decision"])[1]


def test_an_operator_can_switch_the_field_off() -> None:
    exchange = an_exchange(settings=Settings(decision_header=False))
    assert "Tropa-Decision" not in dressed(exchange)


def test_our_cookie_goes_out_with_pages_alone() -> None:
    for audience, expected in ((Audience.PAGE, True), (Audience.SUBRESOURCE, False), (Audience.API, False)):
        exchange = an_exchange(audience=audience)
        exchange = replace(exchange, who=replace(exchange.who, set_cookie="tropa=x"))
        assert ("Set-Cookie" in dressed(exchange)) is expected


def test_hints_are_asked_for_on_pages_unless_the_origin_asks_itself() -> None:
    exchange = an_exchange()
    exchange.tally.treatment = "page"
    assert "Save-Data" in dressed(exchange)["Accept-CH"]
    answer = an_answer(Accept_CH="DPR")
    dress_head(exchange, answer)
    assert answer.headers.getall("Accept-CH") == ["DPR"]


def test_equal_decisions_have_equal_fields() -> None:
    decision: Decision = a_decision(valid_until=UNTIL)
    assert decision_field(decision, "pass", "") == decision_field(replace(decision), "pass", "")
