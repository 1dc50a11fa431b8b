"""The holders of learners' data, and `PersonalData` over all of them.

Law: whoever keeps something under a learner's id has a line here; what only State keeps has none of its own, for
`Owned`, the last, takes whatever is left there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from proxy.account.account import Accountant
from proxy.account.log import AccessLog
from proxy.account.log_of_one import lines_of
from proxy.account.owned import ALLOWANCE_NOW, Owned, SupportCodes, Uses
from proxy.account.personal import Holder, Holding, PersonalData, in_memory
from proxy.account.seals import Seals
from proxy.account.state import State
from proxy.app_ground import Ground, Notes
from proxy.app_halves import Halves
from proxy.app_media import Media
from proxy.cache.sources import SourceBook
from proxy.cache.variants import VariantStore
from proxy.clock import Clock
from proxy.late_sheets import LateSheets
from proxy.own.originals import Originals
from proxy.own.savings import LearnerSavings
from proxy.stages.ladder import LadderStage
from proxy.stages.noted import readable


def account_holders(accountant: Accountant, state: State, clock: Clock) -> tuple[Holder, ...]:
    """Allowances, reports, the measured link, support codes."""
    broken, links, allowances = accountant.broken_pages, accountant.links, accountant.allowances

    def link(learner: str) -> Mapping[str, Any]:
        bps = links.bps(learner, clock.steady_s())
        return {} if bps is None else {"measured_bits_per_second": bps}

    return (
        Uses(ALLOWANCE_NOW, state, allowances, clock, running=True),
        Uses("allowances_before", state, allowances, clock, running=False),
        in_memory("reports_of_broken_pages", broken.of, broken.forget),
        in_memory("link", link, links.forget),
        SupportCodes(state, clock, accountant.codes),
    )


def originals_holder(originals: Originals) -> Holder:
    """What she took whole."""

    async def export(learner: str) -> Mapping[str, Any]:
        return originals.told(learner)

    async def erase(learner: str) -> int:
        count = sum(map(len, originals.told(learner).values()))
        await originals.forget(learner)
        return count

    return Holding("originals", export, erase)


def media_holders(media: Media) -> tuple[Holder, ...]:
    """Films and documents: what she chose, asked for, was let have."""

    async def choices(learner: str) -> Mapping[str, Any]:
        return media.choices.told(learner)

    async def unchoose(learner: str) -> int:
        count = len(media.choices.told(learner))
        await media.choices.forget(learner)
        return count

    async def made(learner: str) -> Mapping[str, Any]:
        return await _counted(media.desk.made_of(learner))  # her requests are told by `Owned`

    async def forget(learner: str) -> int:
        media.book.forget(learner)
        await media.had.forget(learner)
        media.moving.forget(learner)
        return await media.deferred.forget(learner)

    return Holding("choices", choices, unchoose), Holding("media", made, forget)


def variants_holder(store: VariantStore) -> Holder:
    """Adapted pictures and texts that note her."""

    async def export(learner: str) -> Mapping[str, Any]:
        return await _counted(store.count_of(learner))

    return Holding("variants", export, store.erase)


async def _counted(count: Awaitable[int]) -> Mapping[str, Any]:
    found = await count
    return {"files_that_note_you_as_one_who_had_them": found} if found else {}


def memory_holders(savings: LearnerSavings, late: LateSheets, sources: SourceBook) -> tuple[Holder, ...]:
    """What lives in this process alone."""

    def nothing(learner: str) -> Mapping[str, Any]:
        return {}  # bounded notes of addresses, gone with the process

    return (
        in_memory("savings", savings.told, savings.forget),
        in_memory("style_sheets", nothing, late.forget),
        in_memory("addresses", nothing, sources.forget),
    )


def ladders_holder(ladders: LadderStage) -> Holder:
    """Which films she watches; what State keeps of it is told by `Owned`."""

    async def nothing(learner: str) -> Mapping[str, Any]:
        return {}

    return Holding("ladders", nothing, ladders.forget)


def log_holder(folder: Path, log: AccessLog) -> Holder:
    """Her lines of the access log."""

    async def export(learner: str) -> Mapping[str, Any]:
        await asyncio.to_thread(log.drain)
        lines = await asyncio.to_thread(lines_of, folder, learner)
        return {"exchanges": lines} if lines else {}

    async def erase(learner: str) -> int:
        return await asyncio.to_thread(log.forget, learner)

    return Holding("log", export, erase)


def kept_holder(state: State, clock: Clock, seals: Seals) -> Holder:
    """Whatever else State keeps under her id."""
    return Owned(state, clock, partial(readable, seals))


def build_personal(
    ground: Ground, notes: Notes, halves: Halves, originals: Originals, ladders: LadderStage
) -> PersonalData:
    """All holders in the order in which they are told and erased."""
    return PersonalData(
        (
            *account_holders(ground.accountant, ground.state, ground.clock),
            originals_holder(originals),
            *media_holders(halves.media),
            halves.outage.holder(),
            halves.cache.holder(),
            halves.outage.opened_holder(),
            *halves.night.holders(),
            variants_holder(halves.adapting.store),
            *memory_holders(notes.savings, notes.late, notes.sources),
            ladders_holder(ladders),
            halves.uploads.holder(),
            log_holder(ground.state_dir / "log", ground.log),
            kept_holder(ground.state, ground.clock, Seals(ground.keyed)),
        ),
        settled=ground.accountant.flush,
    )
