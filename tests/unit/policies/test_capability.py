from __future__ import annotations

import pytest

from policies.capability import enforceable, matrix
from policies.treatments import Treatments
from policies.values import Mode


def test_a_tunnel_has_host_clock_budget_and_metering_only() -> None:
    can = {row.rule for row in matrix() if enforceable(Mode.TUNNEL, row.rule)}
    assert can == {"place", "class-by-host", "windows", "allowance", "metering", "rate", "exception-by-host"}


def test_every_treatment_is_a_row_that_readable_modes_can_enforce() -> None:
    for kind in Treatments.__dataclass_fields__:
        assert enforceable(Mode.REVERSE, kind)
        assert enforceable(Mode.FORWARD, kind) is (kind != "upload")  # the site's pages get our script there only
        assert not enforceable(Mode.TUNNEL, kind)


def test_a_websockets_path_is_seen_before_the_site_only() -> None:
    assert [mode for mode in Mode if enforceable(mode, "socket")] == [Mode.REVERSE]


def test_rows_are_told_in_both_languages_and_once() -> None:
    rows = matrix()
    assert len({row.rule for row in rows}) == len(rows)
    assert all(row.title.ru and row.title.en for row in rows)


def test_an_unknown_rule_is_an_error_not_a_yes() -> None:
    with pytest.raises(KeyError):
        enforceable(Mode.REVERSE, "telepathy")
