"""The rules of a decision, in explicit lists.

NARROWING rules each answer an Effect; effects are joined, so their order only orders the reasons.
ADJUSTING rules change the treatments afterwards, in this order: what protects, what the learner widened, and last
what the mode can't do at all.
"""

from __future__ import annotations

from collections.abc import Callable

from policies.rules.allowance import allowance
from policies.rules.class_gate import class_gate
from policies.rules.edit_path import edit_path
from policies.rules.nearly_spent import nearly_spent
from policies.rules.original import original
from policies.rules.player_path import player_path
from policies.rules.rate_share import rate_share
from policies.rules.save_data import save_data
from policies.rules.situation import Effect, Situation
from policies.rules.slow_link import slow_link
from policies.rules.tunnel import tunnel
from policies.treatments import Treatments
from policies.values import Reason

NARROWING: tuple[Callable[[Situation], Effect | None], ...] = (
    class_gate,
    allowance,
    nearly_spent,
    save_data,
    slow_link,
    rate_share,
)

ADJUSTING: tuple[Callable[[Situation, Treatments], tuple[Treatments, Reason] | None], ...] = (
    edit_path,
    player_path,
    original,
    tunnel,
)
