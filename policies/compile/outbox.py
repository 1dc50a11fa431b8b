"""Forms for the outbox, and the law that none of them is one of assessment.

Law: a form whose path could lie where answers count is a fault. The same is asked once more of each request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from policies.classify import literal_prefix
from policies.compile.patterns import path_pattern
from policies.compile.spot import Spot
from policies.faults import Wrong
from policies.model import OutboxForm, PathRule
from policies.schema.outbox import OutboxSection
from policies.values import TrafficClass

_NEVER = re.compile(r"(?!)")
_PLACE = re.compile(r"\{[^{}]*\}")


def compile_outbox(sections: Sequence[OutboxSection], spot: Spot, mount: str) -> tuple[OutboxForm, ...]:
    """Every form, its paths beginning in `mount`."""
    return tuple(_form(section, spot.at(index), mount) for index, section in enumerate(sections))


def _form(section: OutboxSection, spot: Spot, mount: str) -> OutboxForm:
    def paths(key: str, written: Sequence[str]) -> tuple[re.Pattern[str], ...]:
        return tuple(_one(text, spot.at(key, index), mount) for index, text in enumerate(written))

    return OutboxForm(
        name=section.name,
        pattern=_one(section.path, spot.at("path"), mount),
        token=section.token,
        text=tuple(section.text),
        subject=section.subject,
        pages=_templates(section.page, spot.at("page"), mount),
        look=_templates(section.look, spot.at("look"), mount),
        unless=tuple(section.unless),
        done=paths("done", section.done),
        refused_with=tuple(section.refused_with),
        login=paths("login", section.login),
        calls=frozenset(section.call),
        person=_persons(section.person, spot.at("person")),
        source=spot.source,
    )


def _one(written: str, spot: Spot, mount: str) -> re.Pattern[str]:
    try:
        return path_pattern(written, mount)
    except Wrong as wrong:
        spot.fault(wrong.problem, wrong.cure)
        return _NEVER


def _persons(written: Sequence[str], spot: Spot) -> tuple[re.Pattern[str], ...]:
    """What stands around who reads a page, as `"userId":{id}`."""
    found = []
    for index, text in enumerate(written):
        before, place, after = text.partition("{id}")
        if not place or "{id}" in after or not before.strip():
            spot.at(index).fault(
                f"expected a page's text with one {{id}} in it, got {text!r}", "like '\"userId\":{id}'"
            )
            continue
        found.append(re.compile(rf"{re.escape(before)}([A-Za-z0-9._@-]{{1,64}}){re.escape(after)}"))
    return tuple(found)


def _templates(written: Sequence[str], spot: Spot, mount: str) -> tuple[str, ...]:
    for index, text in enumerate(written):
        if not text.startswith("/") or set("{}") & set(_PLACE.sub("", text)):
            spot.at(index).fault(f"expected a path like /discuss.php?d={{d}}, got {text!r}", "begin it with /")
    return tuple(mount + text for text in written)


def refuse_assessment(forms: Iterable[OutboxForm], rules: Iterable[PathRule], spot: Spot) -> None:
    """A fault at each form that could be one where answers count."""
    sacred = [rule for rule in rules if rule.traffic_class is TrafficClass.ASSESSMENT and not rule.query]
    for index, form in enumerate(forms):
        path = literal_prefix(form.pattern.pattern)
        met = next((rule for rule in sacred if _overlap(path, rule)), None)
        if met is not None:
            spot.at(index, "path").fault(
                f"could be an assessment's ({met.source}), whose answers are never kept or sent again",
                "name one path where nothing is graded",
            )


def _overlap(path: str, rule: PathRule) -> bool:
    """Whether a form whose paths begin with `path` could lie under the rule. "" begins everything."""
    begins = literal_prefix(rule.pattern.pattern)
    if not begins:  # a regular expression: all that can be tried is the path itself
        return not path or rule.pattern.search(path) is not None
    return path.startswith(begins) or begins.startswith(path)
