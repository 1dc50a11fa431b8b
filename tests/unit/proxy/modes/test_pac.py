"""The PAC file, run by a real JavaScript engine: node's, else Chromium's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from policies.model import Listener, PacSettings, PolicyException, Settings
from proxy.modes.pac import pac_file, proxy_address_of
from tests.builders import a_catalogue, a_policy, a_territory, an_origin

WAY = "PROXY tropa.example:3128; DIRECT"


def pac(settings: PacSettings | None = None, **changes: object) -> str:
    excepted = PolicyException(policy=a_policy(), host="*.video.example")
    territory = a_territory(exceptions=(excepted,))
    origins = (
        an_origin(hosts=("lms.example.org", "*.courses.example", "xn--80ak6aa92e.xn--p1ai")),
        an_origin("box", hosts=("10.41.7.2", "2001:db8::5")),
    )
    catalogue = a_catalogue(territory, origins=origins, settings=Settings(pac=settings or PacSettings()))
    return pac_file(catalogue, territory, "tropa.example:3128", **changes)  # type: ignore[arg-type]


def answers(script: str, questions: Sequence[tuple[str, str]]) -> list[str]:
    """What FindProxyForURL says to each (url, host), with nothing of a browser's around it."""
    program = f"{script}\nvar asked = {json.dumps(list(questions))}, told = [];\n"
    program += "for (var i = 0; i < asked.length; i++) told.push(FindProxyForURL(asked[i][0], asked[i][1]));\n"
    program += "var answer = JSON.stringify(told);\n"
    if node := shutil.which("node"):
        done = subprocess.run(
            [node, "-e", f"'use strict'; {program} console.log(answer);"], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        found: list[str] = json.loads(done.stdout)
        return found
    return _by_chromium(program)


@cache
def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("neither node nor Chromium is installed")
    return found


def _by_chromium(program: str) -> list[str]:
    page = Path("/tmp") / f"pac-{abs(hash(program))}.html"
    page.write_text(f"<pre id=a></pre><script>{program} document.getElementById('a').textContent = answer;</script>")
    try:
        done = subprocess.run(
            [_chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{page}"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        page.unlink()
    match = re.search(r'<pre id="a">(.*?)</pre>', done.stdout)
    assert match is not None, done.stderr
    found: list[str] = json.loads(match[1])
    return found


CASES: Mapping[str, tuple[str, str, str]] = {
    "a course host": ("https://lms.example.org/course/", "lms.example.org", WAY),
    "in capitals, with a final dot": ("https://LMS.example.ORG./", "LMS.example.ORG.", WAY),
    "plain http and sockets too": ("ws://lms.example.org/chat", "lms.example.org", WAY),
    "below a wildcard": ("https://a.b.courses.example/", "a.b.courses.example", WAY),
    "the wildcard's own name": ("https://courses.example/", "courses.example", "DIRECT"),
    "a name that only ends alike": ("https://evilcourses.example/", "evilcourses.example", "DIRECT"),
    "a name that only begins alike": ("https://lms.example.org.evil/", "lms.example.org.evil", "DIRECT"),
    "a Russian name": ("https://xn--80ak6aa92e.xn--p1ai/", "xn--80ak6aa92e.xn--p1ai", WAY),
    "a host of an exception": ("https://cdn.video.example/x.mp4", "cdn.video.example", WAY),
    "a private address that is an origin": ("http://10.41.7.2/", "10.41.7.2", WAY),
    "an IPv6 origin in brackets": ("http://[2001:db8::5]/", "[2001:db8::5]", WAY),
    "an IPv6 origin without": ("http://[2001:db8::5]/", "2001:db8::5", WAY),
    "anything else": ("https://www.example.com/", "www.example.com", "DIRECT"),
    "a name of every object": ("https://constructor/", "constructor", "DIRECT"),
    "its prototype": ("https://a.__proto__/", "a.__proto__", "DIRECT"),
    "another scheme on a course host": ("ftp://lms.example.org/", "lms.example.org", "DIRECT"),
}


def test_only_course_hosts_go_through_the_proxy() -> None:
    told = answers(pac(), [(url, host) for url, host, _ in CASES.values()])
    assert dict(zip(CASES, told, strict=True)) == {name: way for name, (_, _, way) in CASES.items()}


def test_everything_but_the_neighbourhood_may_go_through_it() -> None:
    outside = ("www.example.com", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00::1", "10.example.com")
    inside = (
        "printer", "localhost", "a.localhost", "nas.local", "127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.1",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "fe80::1", "fd00::1", "0.0.0.0",
    )  # fmt: skip
    script = pac(PacSettings(others="proxy"))
    told = answers(script, [(f"http://{host}/", host) for host in (*outside, *inside)])
    assert told == [WAY] * len(outside) + ["DIRECT"] * len(inside)


def test_a_dead_proxy_closes_the_way_only_where_that_is_wanted() -> None:
    script = pac(PacSettings(fail="closed"))
    assert answers(script, [("https://lms.example.org/", "lms.example.org")]) == ["PROXY tropa.example:3128"]


def test_a_proxy_with_tls_is_told_as_such() -> None:
    script = pac(secure=True)
    assert answers(script, [("https://lms.example.org/", "lms.example.org")]) == ["HTTPS tropa.example:3128; DIRECT"]


def test_the_script_is_ascii_and_of_the_oldest_kind() -> None:
    script = pac()
    assert script.isascii()
    assert not re.search(r"\b(let|const|class)\b|=>|`|endsWith|includes\(", script)


@pytest.mark.parametrize(
    "address", ['x"; alert(1); "', "tropa.example", "tropa.example:0", "tropa.example:99999", "a b:1", "x:1; PROXY y:2"]
)
def test_an_address_that_is_none_never_gets_into_the_script(address: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        pac_file(a_catalogue(), a_territory(), address)


def test_the_address_is_the_configured_one_else_the_region_s_listener_else_the_only_one() -> None:
    own = Listener(name="own", mode="forward", host="10.0.0.1", port=3128, region="koryak")
    other = Listener(name="other", mode="forward", host="2001:db8::1", port=3129, region="taiga")
    koryak, taiga, town = a_territory(), a_territory("taiga"), a_territory("town")
    both = a_catalogue(koryak, taiga, town, settings=Settings(listeners=(own, other)))
    assert proxy_address_of(both, koryak) == ("10.0.0.1:3128", False)
    assert proxy_address_of(both, taiga) == ("[2001:db8::1]:3129", False)
    assert proxy_address_of(both, town) is None
    one = a_catalogue(town, settings=Settings(listeners=(own,)))
    assert proxy_address_of(one, town) == ("10.0.0.1:3128", False)
    told = replace(both.settings, pac=PacSettings(proxy_address="tropa.example:3128"))
    assert proxy_address_of(replace(both, settings=told), town) == ("tropa.example:3128", False)
