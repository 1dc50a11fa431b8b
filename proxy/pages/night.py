"""The page of what a school has by the morning: here now, still missing and why.

Laws of this file: nothing of one learner's; a reason is a sentence, never a code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.pages.context import PageContext
from proxy.pages.figures import size_text
from proxy.pages.full import full_page
from proxy.pages.moments import full_moment_text, zone_text
from proxy.pages.phrases import Phrases, phrases

if TYPE_CHECKING:  # values alone
    from proxy.night.report import Line, PlaceReport
    from proxy.night.used import Use

_MOST_SHOWN = 200
# Reasons that mean the same to whoever reads the page.
_SAME = {
    "origin-404": "source-gone",
    "origin-410": "source-gone",
    "needs-visit": "private",
    "not-allowed": "private",
    "disk": "no-room",
    "disk-full": "no-room",
}


def night_page(report: PlaceReport, context: PageContext) -> bytes:
    """For a place that fetches in the free hours, or with the reason why it doesn't."""
    say, language, zone = phrases(context.language), context.language, context.territory.zone
    until = full_moment_text(report.open_until, context.now, zone, language) if report.open_until else ""
    opens = full_moment_text(report.opens_at, context.now, zone, language) if report.opens_at else ""
    where = zone_text(zone, context.now, language)
    return full_page(
        "night.html",
        context,
        place=report.title.in_language(language),
        idle=report.idle is not None,
        until=say("night.open", when=until, zone=where) if until else "",
        opens=say("night.opens", when=opens, zone=where) if opens else "",
        here=here_line(report, language),
        here_rows=[_row(line, say, language) for line in report.here[:_MOST_SHOWN]],
        missing=say("night.missing_count", count=len(report.missing)),
        missing_rows=[_row(line, say, language, why=True) for line in report.missing[:_MOST_SHOWN]],
        used=used_lines(report.use, language),
        asked=say.plural("night.asked", sum(report.asked.values())) if report.asked else "",
        trouble=bool(report.trouble),
    )


def here_line(report: PlaceReport, language: str) -> str:
    """How much is here; of nothing no size is told."""
    say = phrases(language)
    if not report.here:
        return say("night.here_none")
    return say("night.here_count", count=len(report.here), size=size_text(report.here_bytes, language))


def used_lines(use: Use, language: str) -> tuple[str, ...]:
    """How much of what is here was opened since it came; nothing where nothing is here."""
    say = phrases(language)
    if not use.files:
        return ()
    sizes = {"size": size_text(use.opened_bytes, language), "of_size": size_text(use.bytes, language)}
    told = say("night.used", count=use.opened_files, of=use.files, **sizes)
    films = say("night.used_films", count=use.opened_films, of=use.films)
    return (told, films) if use.films else (told,)


def _row(line: Line, say: Phrases, language: str, *, why: bool = False) -> dict[str, str]:
    kind = say(f"night.what.{line.what}")
    return {
        "title": line.title or kind,
        "kind": kind if line.title else "",
        "size": size_text(line.size_bytes, language).replace(" ", "\xa0") if line.size_bytes else "",
        "why": reason_text(line, say) if why else "",
    }


def reason_text(line: Line, say: Phrases) -> str:
    """Why something isn't here."""
    reason = _SAME.get(line.reason, line.reason)
    known = (f"night.why.{reason}", f"deferred.why.{reason}") if reason else ()
    return say.first(*known, f"deferred.state.{line.state}")
