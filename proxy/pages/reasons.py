"""Why something is withheld, in a teacher's words.

Laws of this file: one plain sentence a reason, without numbers that a teacher can't use; the precise sentence, with
file and line, is for IT staff and comes from `policies.explain`.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.decision import Decision
from policies.values import MediaKind, Reason
from proxy.pages.phrases import phrases
from proxy.transforms.spec import Heavy

_OF_KIND = {
    MediaKind.VIDEO: ("video-withheld",),
    MediaKind.STREAM: ("stream-withheld", "video-withheld"),
    MediaKind.AUDIO: ("audio-withheld",),
    MediaKind.DOCUMENT: ("document-withheld",),
    MediaKind.ARCHIVE: ("archive-withheld",),
    MediaKind.IMAGE: ("image-withheld",),
}
# What explains most to a teacher, first: a state that passes, then one that stays.
_BY_WEIGHT = (
    "window-closed", "class-never", "allowance-spent", "region-allowance-spent", "save-data", "slow-link",
    "throttled", "size-limit",
)  # fmt: skip


def teacher_reason(reason: Reason, language: str) -> str:
    """The sentence for a teacher; a code without one gives the general sentence."""
    return phrases(language).first(f"reason.{reason.rule}", "reason.general")


def has_sentence(code: str, language: str) -> bool:
    """Whether a code has a sentence of its own."""
    return phrases(language).has(f"reason.{code}")


def why_withheld(heavy: Heavy | None, decision: Decision, language: str) -> str:
    """The one sentence that explains most of this decision to a teacher."""
    codes = {reason.rule: reason for reason in decision.reasons}
    for code in (*_BY_WEIGHT, *_codes_of(heavy)):
        if code in codes and has_sentence(code, language):
            return teacher_reason(codes[code], language)
    if heavy is None:
        return _first_sentence(decision.reasons, language)
    kind_code = next(iter(_codes_of(heavy)), "")
    return teacher_reason(Reason(rule=kind_code), language)


def _codes_of(heavy: Heavy | None) -> tuple[str, ...]:
    if heavy is None:
        return ()
    if heavy.host_name:
        return ("embed-withheld",)
    return _OF_KIND.get(heavy.kind, ())


def _first_sentence(reasons: Sequence[Reason], language: str) -> str:
    told = (reason for reason in reasons if has_sentence(reason.rule, language))
    return teacher_reason(next(told, Reason(rule="general")), language)
