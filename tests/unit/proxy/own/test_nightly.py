"""Where a letter leads: a name of the site's own, whatever the request called it."""

from __future__ import annotations

from dataclasses import replace as replaced

import pytest
from msgspec.structs import replace

from proxy.own.nightly import home_of
from tests.builders import an_origin
from tests.inbounds import an_inbound


@pytest.mark.parametrize(
    ("hosts", "host", "home"),
    [
        (("lms.example.org",), "lms.example.org", "https://lms.example.org"),
        (("lms.example.org", "*.lms.example.org"), "kids.lms.example.org", "https://kids.lms.example.org"),
        (("*.example.org", "lms.example.org"), "evil.example", "https://lms.example.org"),
        (("lms.example.org",), "lms.example.org.evil.example", "https://lms.example.org"),
        ((), "10.1.2.3", "https://10.1.2.3"),
    ],
)
def test_a_letter_leads_to_no_name_that_a_stranger_sent(hosts: tuple[str, ...], host: str, home: str) -> None:
    inbound = replaced(an_inbound(origin=replace(an_origin(), hosts=hosts)), host=host)
    assert home_of(inbound) == home
