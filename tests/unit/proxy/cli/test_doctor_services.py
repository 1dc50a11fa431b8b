"""What the doctor says of an institute's account: fit, lacking functions, unusable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from policies.model import Follow, Followed, Night, Service
from proxy.cli.checks.finding import Finding, Level
from proxy.cli.checks.services import services
from proxy.night.functions import needed
from tests.builders import a_catalogue, a_territory
from tests.origins import answering, raw_origin
from tests.unit.proxy.cli.test_doctor import found, subject
from tests.wire import origin_of

TOKEN = "0123456789abcdef0123456789abcdef"


async def told(folder: Path, body: object, *, mode: int = 0o600, status: str = "200 OK") -> tuple[Finding, bytes]:
    """The finding, and what the site was asked."""
    token = folder / "token"
    token.write_text(TOKEN)
    token.chmod(mode)
    text = json.dumps(body).encode()
    answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text
    async with raw_origin(answering(answer)) as site:
        service = Service(kind="moodle", site="http://lms.test", token_file=str(token))
        origin = replace(origin_of(site.url), service=service)
        night = Night(follow=(Follow(origin=origin.id, course=5, what=frozenset({Followed.FORUMS})),))
        catalogue = a_catalogue(replace(a_territory(), night=night), origins=(origin,))
        [finding] = await found(services, subject(catalogue))
        return finding, bytes(site.received)


def info(*names: str) -> object:
    return {"functions": [{"name": name} for name in names], "downloadfiles": 1}


async def test_an_account_that_may_call_all_that_is_followed_is_fine(tmp_path: Path) -> None:
    finding, asked = await told(tmp_path, info(*needed({Followed.FORUMS})))
    assert finding.level is Level.OK
    assert asked.startswith(b"POST /webservice/rest/server.php ") and b"Host: lms.test\r\n" in asked
    assert TOKEN.encode() not in asked.partition(b"\r\n\r\n")[0], "the token stands in no address and no head"


async def test_what_it_may_not_call_is_named(tmp_path: Path) -> None:
    finding, _ = await told(tmp_path, info("core_course_get_contents"))
    assert finding.level is Level.WARN and "mod_forum_get_discussion_posts" in finding.what.en


async def test_a_token_that_the_site_refuses_is_a_failure(tmp_path: Path) -> None:
    finding, _ = await told(tmp_path, {"exception": "x", "errorcode": "invalidtoken"})
    assert finding.level is Level.FAIL and "invalidtoken" in finding.what.en and TOKEN not in finding.what.en


async def test_a_token_that_others_may_read_is_not_sent(tmp_path: Path) -> None:
    finding, asked = await told(tmp_path, info(), mode=0o644)
    assert finding.level is Level.FAIL and "token-open" in finding.what.en and asked == b""
