from dataclasses import replace
from typing import Any

import pytest
from multidict import CIMultiDict

from policies.decision import PassThrough
from policies.facts import ResponseFacts
from policies.values import Audience, Mode
from proxy.account.reports import BrokenPages
from proxy.own.page_scripts import PageScripts, Part
from proxy.pages.page_script import page_script
from proxy.pages.static import static_file, static_href
from proxy.stages.context import Exchange, Fetched
from tests.exchanges import NOON, a_decision, an_exchange
from tests.inbounds import PAGE_HEADERS, an_inbound

NO_HEAD: CIMultiDict[str] = CIMultiDict()


def keeps(exchange: Exchange, headers: CIMultiDict[str]) -> dict[str, str]:
    return {"keep": "/.tropa/store/keep.js?v=1", "who": 'a"b'}


def nothing(exchange: Exchange, headers: CIMultiDict[str]) -> dict[str, str]:
    return {}


def scripts(*parts: Part) -> PageScripts:
    return PageScripts(BrokenPages(), parts)


def opened(**fields: Any) -> Exchange:
    return an_exchange(an_inbound(**{**fields, **{k.replace("-", "_"): v for k, v in PAGE_HEADERS.items()}}))


def fetched(head: CIMultiDict[str] = NO_HEAD, **facts: Any) -> Fetched:
    known: dict[str, Any] = {"status": 200, "content_type": "text/html"}
    response = ResponseFacts(**(known | facts))
    return Fetched(upstream=None, headers=head, facts=response, prefix=b"", complete=True)  # type: ignore[arg-type]


def test_the_element_is_one_deferred_script_that_is_told_what_to_load() -> None:
    element = scripts(keeps).element(opened(), NO_HEAD).decode("ascii")
    assert element.count("<script") == 1
    assert "defer" in element
    assert static_href("page.js") in element
    assert 'data-keep="/.tropa/store/keep.js?v=1"' in element
    assert 'data-who="a&quot;b"' in element


def test_a_page_for_which_no_part_is_wanted_gets_none() -> None:
    assert scripts(nothing).element(opened(), NO_HEAD) == b""
    assert scripts().element(opened(), NO_HEAD) == b""
    assert page_script({}) == b""


@pytest.mark.parametrize("audience", [one for one in Audience if one is not Audience.PAGE])
def test_only_pages_that_a_person_opens_get_one(audience: Audience) -> None:
    exchange = opened()
    exchange = replace(exchange, facts=replace(exchange.facts, audience=audience))
    assert scripts(keeps).element(exchange, NO_HEAD) == b""


def test_forward_mode_gets_none() -> None:
    assert scripts(keeps).element(opened(mode=Mode.FORWARD), NO_HEAD) == b""


@pytest.mark.parametrize("fields", [{"observe": True}, {"bypassed": True}])
def test_an_observed_or_bypassed_page_gets_none(fields: dict[str, bool]) -> None:
    assert scripts(keeps).element(replace(opened(), decision=a_decision(**fields)), NO_HEAD) == b""


def test_a_page_reported_as_broken_gets_none() -> None:
    exchange, broken = opened(), BrokenPages()
    broken.report(exchange.who.learner, exchange.inbound.url, NOON)
    assert PageScripts(broken, (keeps,)).element(exchange, NO_HEAD) == b""


def test_a_page_whose_own_policy_keeps_scripts_out_gets_none() -> None:
    head = CIMultiDict({"Content-Security-Policy": "script-src 'nonce-1'"})
    assert scripts(keeps).element(opened(), head) == b""


def test_a_page_that_passes_gets_the_script_alone() -> None:
    assert scripts(keeps).for_passing(opened(), fetched(), PassThrough()) != b""


@pytest.mark.parametrize(
    "facts",
    [
        {"content_type": "application/json"},
        {"status": 404},
        {"partial": True},
        {"attachment": True},
        {"content_coding": "dcb"},
        {"length_bytes": 64 * 1024**2},
    ],
)
def test_what_is_no_page_or_not_understood_passes_as_it_came(facts: dict[str, Any]) -> None:
    assert scripts(keeps).for_passing(opened(), fetched(**facts), PassThrough()) == b""


def test_what_may_not_be_changed_passes_as_it_came() -> None:
    assert scripts(keeps).for_passing(opened(), fetched(), PassThrough(may_recompress=False)) == b""
    assert scripts(keeps).for_passing(opened(method="HEAD"), fetched(), PassThrough()) == b""


def test_the_loader_is_small() -> None:
    found = static_file("page.js")
    assert found is not None
    assert len(found[0]) <= 2048
