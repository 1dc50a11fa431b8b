"""The operator's own expectations: a URL, a place and an hour, and what should be decided."""

from __future__ import annotations

from collections.abc import Iterator

from policies import words
from policies.explain import explain_request
from policies.frozen import Frozen
from policies.model import Catalogue, PolicyTest
from policies.treatments import Form


class FailedTest(Frozen, frozen=True, kw_only=True):
    """One expectation that doesn't hold. what: "verdict", "class" or a media kind."""

    source: str
    column: int
    key: str
    url: str
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.source}: {self.url}: {self.what}: expected {self.expected}, got {self.got}"


def run_policy_tests(catalogue: Catalogue) -> tuple[FailedTest, ...]:
    """Every expectation that doesn't hold, in the file's order; () when all hold."""
    return tuple(failed for test in catalogue.tests for failed in _failures(catalogue, test))


def _failures(catalogue: Catalogue, test: PolicyTest) -> Iterator[FailedTest]:
    for what, expected, got in _compared(catalogue, test):
        if expected != got:
            yield FailedTest(
                source=test.source,
                column=test.column,
                key=test.key,
                url=test.url,
                what=what,
                expected=expected,
                got=got,
            )


def _compared(catalogue: Catalogue, test: PolicyTest) -> Iterator[tuple[str, str, str]]:
    try:
        explained = explain_request(catalogue, test.url, region=test.region, site=test.site, mode=test.mode, at=test.at)
    except LookupError as error:
        yield "region", f"{test.region}/{test.site}" if test.site else test.region, f"no place {error}"
        return
    except ValueError as error:
        yield "url", test.url, str(error)
        return
    decision = explained.decision
    if test.expect_verdict is not None:
        yield "verdict", test.expect_verdict, decision.verdict.value
    if test.expect_class is not None:
        yield "class", test.expect_class, decision.traffic_class.value
    short, full = words.actions(decision.treatments), explained.treatments
    forms = words.forms(decision.treatments)
    for kind, expected in test.expect_treatments.items():
        got = short.get(kind, "no such kind")
        if expected in tuple(Form):
            got = forms.get(kind, got)
        yield kind, expected, expected if expected == full.get(kind) else got
