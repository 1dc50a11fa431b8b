"""The data map of THREAT_MODEL.md is law: each of its rows ends when it says, and a test proves it.

A row whose place is State or the log is proved here, by the parts that run and a clock that is moved. Any other names
the test that proves it. Who adds a row says here how it ends.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.model import Period
from policies.treatments import NothingFits
from policies.values import Scope
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.errands import EXPORT, Errand, Errands, ask
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics
from proxy.account.secret import Keyed
from proxy.account.sqlite import SqliteState
from proxy.account.state import (
    AddSums,
    AddUse,
    JobQuery,
    JobRow,
    LedgerKey,
    LedgerQuery,
    Mark,
    MarkQuery,
    PutJob,
    PutMark,
    PutRolled,
    RolledQuery,
    Span,
    Sums,
    UseKey,
    UseQuery,
)
from proxy.media.queue_state import Rows
from proxy.opened import OpenedPages
from proxy.own.choices import Choices
from proxy.own.originals import Originals
from proxy.pages.versions import MediaKnown
from proxy.stages.ladder_notes import LadderNotes
from proxy.stages.media_known import KnownMedia
from proxy.stages.noted import Sent
from proxy.tasks import TaskKeeper
from proxy.transforms.ladder import LadderSpec
from tests.builders import a_catalogue, a_territory
from tests.clocks import HandClock
from tests.receipts import a_receipt

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = LedgerKey(hour=NOW, region="koryak", site="", origin="lms", traffic_class="lesson", kind="page")
TESTS = "tests/unit/proxy"


class Kept:
    """The parts that keep what the map's rows name, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, HandClock(NOW)
        self.state = SqliteState(folder / "tropa.db")
        self.log = AccessLog(folder / "log", max_days=7, max_bytes=1 << 20)
        self.accountant = Accountant(
            state=self.state,
            clock=self.clock,
            log=self.log,
            metrics=Metrics(),
            codes=Codes(b"k" * 32),
            catalogue=lambda: a_catalogue(a_territory()),
        )

    async def move(self, **ahead: float) -> None:
        """The clock goes on, and what runs now and then has run."""
        self.clock.at = NOW + timedelta(**ahead) + timedelta(minutes=31)
        await self.accountant._now_and_then(self.clock.at)
        await Errands(self.state, self.clock, ()).run()

    async def marks(self) -> int:
        return len(await self.state.list(MarkQuery(kind=None, now=datetime.min.replace(tzinfo=UTC, year=1971))))


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    made = Kept(tmp_path)
    await made.state.start()
    yield made
    await made.state.close()


Proof = Callable[[Kept], Awaitable[None]]


async def ledger(kept: Kept) -> None:
    await kept.state.commit([AddSums(key=HOUR, sums=Sums(exchanges=1))])
    await kept.move(days=399)
    assert len(await kept.state.list(LedgerQuery())) == 1
    await kept.move(days=400)
    assert await kept.state.list(LedgerQuery()) == ()


async def rolled_up(kept: Kept) -> None:
    await kept.state.commit([PutRolled(span=span, key=HOUR, sums=Sums(exchanges=1)) for span in Span])
    for days, left in ((1099, (1, 1)), (1100, (0, 1)), (3659, (0, 1)), (3660, (0, 0))):
        await kept.move(days=days)
        assert tuple([len(await kept.state.list(RolledQuery(span=span))) for span in Span]) == left


async def allowance_use(kept: Kept) -> None:
    use = UseKey(scope=Scope.LEARNER, holder="anna", period=Period.MONTH, start=NOW)
    await kept.state.commit([AddUse(use=use, nbytes=1)])
    await kept.move(days=63)
    assert len(await kept.state.list(UseQuery())) == 1
    await kept.move(days=64)
    assert await kept.state.list(UseQuery()) == ()


async def grants(kept: Kept) -> None:
    originals = Originals(kept.state)
    await originals.grant("anna", "https://lms/film.mp4", NOW)
    await gone_after(kept, hours=24)


async def support_codes(kept: Kept) -> None:
    kept.accountant.codes.issue("anna /", {"learner": "anna"}, NOW)
    await kept.accountant.flush()
    await gone_after(kept, days=7)


async def broken_pages(kept: Kept) -> None:
    kept.accountant.broken_pages.report("anna", "https://lms/", NOW)
    await kept.accountant.flush()
    await gone_after(kept, hours=24)
    assert kept.accountant.broken_pages.of("anna") == {}


async def choices(kept: Kept) -> None:
    await Choices(kept.state).remember("anna", "video", "sound", NOW)
    await gone_after(kept, days=30)


async def gone_after(kept: Kept, *, hours: float = 0, days: float = 0) -> None:
    """Everything that was just put there is there until then, and gone from the file after."""
    await kept.move(hours=hours - 1, days=days)
    assert await kept.marks() > 0
    await kept.move(hours=hours, days=days)
    assert await kept.marks() == 0


async def a_mark_of(kept: Kept, kind: str, life: timedelta) -> None:
    await kept.state.commit([PutMark(Mark(kind=kind, owner="anna", key="1", until=NOW + life))])
    await gone_after(kept, days=life.days)


async def receipts(kept: Kept) -> None:
    await a_mark_of(kept, "receipt", timedelta(days=30))


async def nights(kept: Kept) -> None:
    await a_mark_of(kept, "night-spent", timedelta(days=35))


async def nights_reported(kept: Kept) -> None:
    await a_mark_of(kept, "letter-noted", timedelta(days=30))


async def nights_used(kept: Kept) -> None:
    await a_mark_of(kept, "night-used", timedelta(days=35))


async def had_media(kept: Kept) -> None:
    await a_mark_of(kept, "had-medium", timedelta(days=14))


async def known_media(kept: Kept) -> None:
    rows = Rows(kept.state, TaskKeeper("test"))
    known = KnownMedia(kept.state, rows, kept.clock)
    known.put("", "digest", MediaKnown(ready={"sound": 1}, names={"sound": "name"}))
    await rows.flush()
    await gone_after(kept, days=30)
    known.put("anna", "digest", MediaKnown(ready={"sound": 1}, names={"sound": "name"}))
    await rows.flush()
    await kept.move(days=30, hours=23)
    assert await kept.marks() == 1
    await kept.move(days=30, hours=24)
    assert await kept.marks() == 0


async def ladders(kept: Kept) -> None:
    rows, keeper = Rows(kept.state, TaskKeeper("test")), TaskKeeper("test")
    spec, url = LadderSpec(), "https://lms/film.m3u8"
    sent = Sent(url=url, query="", manifest="hls", text=b"", spec=spec, nothing_fits=NothingFits.LOWEST, capped=None)
    LadderNotes(kept.state, rows, Keyed(b"a secret of the tests"), keeper).note("anna", sent, NOW)
    await keeper.idle()
    await rows.flush()
    await gone_after(kept, hours=6)


async def paces(kept: Kept) -> None:
    await a_mark_of(kept, "media-pace", timedelta(days=90))


async def jobs(kept: Kept) -> None:
    job = JobRow(
        id="1", kind="deferred", state="open", owner="anna", region="koryak", since=NOW, until=NOW + timedelta(days=14)
    )
    await kept.state.commit([PutJob(job)])
    await kept.move(days=13)
    assert len(await kept.state.list(JobQuery(kind=None))) == 1
    await kept.move(days=14)
    assert await kept.state.list(JobQuery(kind=None)) == ()


async def wishes(kept: Kept) -> None:
    async def told(owner: str, facts: Mapping[str, object], now: datetime) -> Mapping[str, object]:
        return {"export": {"of": owner}}

    asked = ask(kept.state, EXPORT, "anna", {}, now=NOW, life=timedelta(minutes=1), patience_s=0)
    assert await asked is None
    await Errands(kept.state, kept.clock, (Errand(kind=EXPORT, do=told),)).run()
    assert await kept.marks() == 1  # the answer, which nobody has read
    await kept.move(minutes=5)
    assert await kept.marks() == 0


async def access_log(kept: Kept) -> None:
    kept.log.start()
    kept.log.write(a_receipt(at=NOW))
    for days, left in ((6, 1), (7, 0)):
        kept.log.sweep((NOW + timedelta(days=days)).date())
        assert kept.log.drain()
        assert len(list((kept.folder / "log").iterdir())) == left
    kept.log.close()


async def opened_pages(kept: Kept) -> None:
    keeper = TaskKeeper("test")
    opened = OpenedPages(kept.folder / "opened.sqlite", keeper)
    await opened.start()
    await opened._put(("anna", "lms", "/course", "Course", NOW.timestamp()))
    for days, left in ((13, 1), (15, 0)):
        await opened.sweep(NOW + timedelta(days=days), timedelta(days=14))
        assert len(await opened.of("anna")) == left
    await opened.close()


async def own_workers(kept: Kept) -> None:
    await a_mark_of(kept, "own-worker", timedelta(days=30))


BY_HAND = "it is the operator's own, or another program's, and ends as that one says"
MEMORY = "it lies in memory, is bounded and ends with the process at the latest"
ENDS: dict[str, Proof | str] = {
    "installation secret": BY_HAND,
    "ledger": ledger,
    "daily and weekly sums": rolled_up,
    "reports": f"{TESTS}/report/test_report.py::test_old_reports_go_and_other_files_stay",
    "allowance use, open claims": allowance_use,
    'grants ("original")': grants,
    "support codes": support_codes,
    "reports of broken pages": broken_pages,
    "what a reporter typed": BY_HAND,
    "access log": access_log,
    "variants": f"{TESTS}/cache/test_variants.py::"
    "test_a_private_source_s_variant_lives_a_day_and_is_gone_from_disk_after_the_sweep",
    "validators of sources": f"{TESTS}/cache/test_variants.py::test_a_source_is_known_again_by_its_validator",
    "films and documents as origins have them": f"{TESTS}/media/test_sources.py::"
    "test_the_sweep_removes_strays_and_what_nobody_used_for_a_week",
    "which content an address stands for": f"{TESTS}/media/test_sources.py::"
    "test_a_source_without_any_validator_is_believed_for_an_hour",
    "what recipes made": f"{TESTS}/media/test_store.py::"
    "test_one_learners_medium_is_hidden_and_lives_a_day_until_two_have_had_it",
    "which sources anybody may have": f"{TESTS}/media/test_public.py::"
    "test_a_source_that_is_everybodys_is_known_to_another_learner_after_a_restart",
    "orders' names, what was tried in vain": f"{TESTS}/media/test_store.py::"
    "test_what_was_tried_in_vain_is_not_tried_again_for_a_day",
    "open media jobs": f"{TESTS}/media/test_desk_restarts.py::test_an_ended_job_leaves_no_row",
    "requests for the free hours": jobs,
    "what their receipts lead to": receipts,
    "wishes for the free hours": f"{TESTS}/night/test_wishes.py::"
    "test_what_waits_too_long_expires_and_is_forgotten_later",
    "what a night took": nights,
    "how much of a night was opened": nights_used,
    "how far nights are reported": nights_reported,
    "an address for a letter": f"{TESTS}/night/test_letters.py::"
    "test_a_learner_is_told_once_and_her_address_is_then_forgotten",
    "tokens of service accounts, the post office's password, the upstream proxy's login": BY_HAND,
    "choices": choices,
    "films and documents that she was let have": had_media,
    "how quick recipes are here": paces,
    "what versions of a film or document are ready": known_media,
    "ladders that are being watched": ladders,
    "wishes of commands, and answers": wishes,
    "uploads in pieces": f"{TESTS}/uploads/test_desk.py::test_a_day_after_it_was_last_asked_about_it_is_gone",
    "overrides, bypasses": f"{TESTS}/operate/test_history.py::"
    "test_an_override_holds_until_its_end_and_not_a_moment_longer",
    "the operator's log": BY_HAND,
    "origins' answers": f"{TESTS}/cache/test_object_store.py::"
    "test_what_has_outlived_its_time_is_neither_found_nor_kept",
    "a learner's own pages": f"{TESTS}/cache/test_origin_cache.py::"
    "test_a_page_of_hers_is_kept_for_her_alone_until_it_is_wiped",
    "which pages a learner opened": opened_pages,
    "messages that wait for the link": f"{TESTS}/outbox/test_outbox.py::"
    "test_time_returns_what_waited_too_long_and_forgets_what_is_over",
    "sessions that send them": MEMORY,
    "in memory only": MEMORY,
    "how links stand": BY_HAND,
    "published policies": f"{TESTS}/operate/test_history.py::test_only_the_last_versions_are_kept",
    "a learner's own store": BY_HAND,
    "origins with a service worker of their own, or with pages that let none in": own_workers,
    "texts of followed courses": f"{TESTS}/night/texts/test_store.py::test_what_no_night_tells_again_goes",
    "learner's cookie": f"{TESTS}/account/test_identity.py::"
    "test_a_cookie_ends_at_its_time_even_where_the_browser_keeps_it",
}


def rows() -> dict[str, str]:
    """what -> how long, as the document has it."""
    section = (ROOT / "THREAT_MODEL.md").read_text("utf-8").partition("## Data map")[2]
    lines = re.findall(r"^\| (?!what \||---)(.+?) \|$", section, re.MULTILINE)
    cells = [re.split(r"\s\|\s", line) for line in lines]
    return {cell[0]: cell[3] for cell in cells}


def test_every_row_says_how_long_and_here_how_that_is_proved() -> None:
    assert set(rows()) == set(ENDS), "a row of the data map ends by what is said in ENDS, and nothing else is kept"
    assert all(how_long.strip() for how_long in rows().values())


@pytest.mark.parametrize("row", [row for row, proof in ENDS.items() if callable(proof)])
async def test_a_row_ends_when_it_says(kept: Kept, row: str) -> None:
    proof = ENDS[row]
    assert callable(proof)
    await proof(kept)


@pytest.mark.parametrize("row", [row for row, proof in ENDS.items() if isinstance(proof, str) and "::" in proof])
def test_what_is_proved_elsewhere_is_there(row: str) -> None:
    file, _, name = str(ENDS[row]).partition("::")
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), ENDS[row]
