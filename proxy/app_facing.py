"""What learners meet, built for `proxy.app_parts`: dressed pages, refusals, the reserved path, what is told of them."""

from __future__ import annotations

import random

from policies.frozen import Frozen
from proxy.account.personal import PersonalData
from proxy.app_ground import Ground, Notes, build_notes
from proxy.app_halves import Halves, build_halves
from proxy.app_media import build_ladders
from proxy.app_personal import build_personal
from proxy.elsewhere import Elsewhere
from proxy.obtain import Obtainer
from proxy.own.device import OwnStores
from proxy.own.dressing import Dresser
from proxy.own.films import films_part
from proxy.own.night_routes import NightRoutes
from proxy.own.original_routes import OriginalRoutes
from proxy.own.originals import Originals
from proxy.own.own_workers import OwnWorkers
from proxy.own.page_scripts import PageScripts
from proxy.own.personal import PersonalRoutes
from proxy.own.refusals import Refusals
from proxy.own.routes import OwnRoutes
from proxy.stages.ladder import LadderStage
from proxy.stages.ladder_notes import LadderNotes
from proxy.stages.rung import RungMaker
from proxy.stages.rung_pieces import PieceMaker


class Facing(Frozen, frozen=True, kw_only=True):
    """Lives as long as the process; with the halves that it stands on."""

    notes: Notes
    halves: Halves
    obtainer: Obtainer
    elsewhere: Elsewhere
    dresser: Dresser
    refusals: Refusals
    ladders: LadderStage
    originals: Originals
    own_workers: OwnWorkers
    stores: OwnStores
    scripts: PageScripts
    personal: PersonalData


def build_facing(ground: Ground) -> Facing:
    """The parts, not yet started."""
    notes, elsewhere = build_notes(ground.clock), Elsewhere(ground.runtime, ground.accountant)
    halves, obtainer = build_halves(ground, notes, elsewhere)
    dresser = Dresser(
        ground.tokens,
        notes.savings,
        halves.media.offers,
        ground.accountant.usage,
        halves.night.requests,
        halves.outage.stage.left_count,
    )
    refusals = Refusals(dresser, ground.codes, jitter=random.SystemRandom())
    rungs = RungMaker(PieceMaker(halves.adapting.store, ground.state_dir / "making"), halves.media.origin.piece)
    ladder_notes = LadderNotes(ground.state, halves.media.rows, ground.keyed, ground.keeper)
    ladders = build_ladders(notes.sticky, ground.clock, refusals.withheld, rungs, ladder_notes)
    originals, own_workers = Originals(ground.state), OwnWorkers(ground.state)
    stores = OwnStores(dresser, own_workers)
    # What pages get a script for: a part each.
    script_parts = (films_part, halves.uploads.routes.told, stores.told)
    return Facing(
        notes=notes,
        halves=halves,
        obtainer=obtainer,
        elsewhere=elsewhere,
        dresser=dresser,
        refusals=refusals,
        ladders=ladders,
        originals=originals,
        own_workers=own_workers,
        stores=stores,
        scripts=PageScripts(ground.accountant.broken_pages, script_parts),
        personal=build_personal(ground, notes, halves, originals, ladders),
    )


def own_routes(ground: Ground, facing: Facing) -> OwnRoutes:
    """What answers under the reserved path."""
    dresser, halves, notes = facing.dresser, facing.halves, facing.notes
    media = halves.media.routes(
        dresser,
        facing.refusals,
        notes.sizes,
        facing.elsewhere,
        ground.keeper,
        facing.scripts,
        halves.texts.proofs,
        facing.ladders,
    )
    return OwnRoutes(
        tokens=ground.tokens,
        dresser=dresser,
        originals=OriginalRoutes(facing.originals, dresser, ground.accountant, notes.sizes),
        accountant=ground.accountant,
        identifier=lambda: ground.runtime().identifier,
        late=notes.late,
        media=media,
        nights=NightRoutes(media, halves.night.requests, dresser),
        outbox=halves.outage.routes(dresser),
        personal=PersonalRoutes(facing.personal, dresser),
        forget_pages=halves.cache.origin.forget,
        uploads=halves.uploads.routes,
        stores=facing.stores,
        texts=halves.texts.routes(dresser),
    )
