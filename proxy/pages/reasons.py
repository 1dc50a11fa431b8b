"""Why something is withheld, in a teacher's words.

Laws of this file: one plain sentence a reason, without numbers that a teacher can't use; the precise sentence, with
file and line, is for IT staff and comes from `policies.explain`.
"""

from __future__ import annotations

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
# What explains most to a teacher: first what shuts a whole part of a site, last what only makes things smaller.
_FIRST = (
    "window-closed",
    "class-never",
    "region-unknown",
    "page-withheld",
    "allowance-spent",
    "text-kept",
    "original-unaffordable",
)
_NEARLY_SPENT = "allowance-nearly-spent"
_LAST = ("save-data", "slow-link", "throttled", _NEARLY_SPENT)


def teacher_reason(reason: Reason, language: str) -> str:
    """The sentence for a teacher; a code without one gives the general sentence."""
    when = dict(reason.params).get("when", "")  # a class's hours are its own, or the tariff's free ones
    return phrases(language).first(f"reason.{reason.rule}-{when}", f"reason.{reason.rule}", "reason.general")


def has_sentence(code: str, language: str) -> bool:
    """Whether a code has a sentence of its own."""
    return phrases(language).has(f"reason.{code}")


def why_withheld(heavy: Heavy | None, decision: Decision, language: str) -> str:
    """The one sentence that explains most of this decision to a teacher. heavy None: a whole page or part."""
    reasons = {reason.rule: reason for reason in decision.reasons if _concerns(reason, heavy)}
    own = _codes_of(heavy)
    # A video host's player never comes by itself; of anything else it is the step that says most just now.
    first = _FIRST if heavy is not None and heavy.host_name else (*_FIRST, _NEARLY_SPENT)
    for code in (*first, *own, "size-limit", *_LAST):
        if code in reasons:
            return teacher_reason(reasons[code], language)
    return teacher_reason(Reason(rule=own[0] if own else "general"), language)


def _concerns(reason: Reason, heavy: Heavy | None) -> bool:
    """A policy's size limits are all among the reasons; only the one for this kind explains this card."""
    if reason.rule != "size-limit" or heavy is None:
        return reason.rule != "size-limit"
    return dict(reason.params).get("kind", heavy.kind) == heavy.kind


def _codes_of(heavy: Heavy | None) -> tuple[str, ...]:
    if heavy is None:
        return ()
    return ("embed-withheld",) if heavy.host_name else _OF_KIND.get(heavy.kind, ())
