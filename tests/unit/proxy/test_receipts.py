"""What an exchange cost and saved, as it is written down."""

from __future__ import annotations

import json
from pathlib import Path

from aiohttp import web

from proxy.deliver.send import Sent
from proxy.receipts import receipt_of
from tests.exchanges import an_exchange
from tests.inbounds import an_inbound
from tests.serving import Served, served

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(300_000)


def sent(nbytes: int = 500, *, complete: bool = True, left: bool = False) -> Sent:
    return Sent(response=web.StreamResponse(status=200), to_learner_bytes=nbytes, complete=complete, left=left)


def test_what_nobody_changed_costs_what_it_would_have() -> None:
    receipt = receipt_of(an_exchange(), sent(500), 0.1)
    assert (receipt.bytes_to_learner, receipt.bytes_direct, receipt.bytes_withheld) == (500, 500, 0)


def test_a_head_request_saves_nothing_whatever_a_get_would_have() -> None:
    exchange = an_exchange(an_inbound("/film.mp4", method="HEAD"))
    exchange.tally.direct_bytes = exchange.tally.withheld_bytes = 18_000_000
    receipt = receipt_of(exchange, sent(300), 0.1)
    assert (receipt.bytes_direct, receipt.bytes_withheld) == (300, 0)


def test_how_it_ended_is_told_apart() -> None:
    assert receipt_of(an_exchange(), sent(), 0.1).error is None
    assert receipt_of(an_exchange(), sent(complete=False, left=True), 0.1).error == "client-left"
    assert receipt_of(an_exchange(), sent(complete=False), 0.1).error == "broken-off"
    failed = an_exchange()
    failed.tally.error = "upstream-timeout"
    assert receipt_of(failed, sent(complete=False), 0.1).error == "upstream-timeout"


async def origin(request: web.Request) -> web.Response:
    if request.path == "/film.mp4":
        return web.Response(body=FILM, content_type="video/mp4")
    if request.path == "/broken":
        assert request.transport is not None
        request.transport.abort()
    return web.Response(text="<!DOCTYPE html><title>x</title><p>" + "слово " * 50, content_type="text/html")


def lines(there: Served) -> dict[str, dict[str, object]]:
    """Path -> its log line; to be read after the process has ended."""
    text = "".join(file.read_text() for file in (there.state_dir / "log").iterdir())
    return {str(line["url"]).partition(there.base_url)[2]: line for line in map(json.loads, text.splitlines())}


async def test_each_exchange_leaves_one_line_with_its_own_account(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        await there.get("/film.mp4", headers={"Sec-Fetch-Dest": "video"})
        await there.get("/.tropa/", headers=BROWSER)
        await there.get("/broken", headers=BROWSER)
        await there.get("/mod/chat/view.php", headers=BROWSER)
    log = lines(there)
    film, own, broken, shut = (log[path] for path in ("/film.mp4", "/.tropa/", "/broken", "/mod/chat/view.php"))
    assert (film["treatment"], film["bytes_withheld"], film["bytes_direct"]) == ("withheld", len(FILM), len(FILM))
    assert (own["treatment"], own["bytes_direct"], own["bytes_withheld"]) == ("own", 0, 0)
    assert (broken["treatment"], broken["bytes_direct"], broken["status"]) == ("error", 0, 502)
    assert (shut["treatment"], shut["bytes_from_origin"], shut["bytes_withheld"]) == ("deferred", 0, 0)
    assert all(line["bytes_to_learner"] for line in log.values())
