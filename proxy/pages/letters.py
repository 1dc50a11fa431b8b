"""What letters say: plain text, in the reader's language, without anything that opens a session or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.pages.night import here_line, reason_text, used_lines
from proxy.pages.phrases import phrases

if TYPE_CHECKING:  # values alone
    from proxy.night.report import PlaceReport

_MOST_NAMED = 40


def ready_letter(language: str, link: str) -> tuple[str, str]:
    """Subject and text: something of hers is here. link: the site's page of receipts."""
    say = phrases(language)
    return say("letter.ready.subject"), say("letter.ready.text", link=link)


def report_letter(report: PlaceReport, language: str) -> tuple[str, str]:
    """Subject and text of the morning's report."""
    say = phrases(language)
    opened = f" ({say('night.opened')})"
    lines = [here_line(report, language)]
    lines += [f"  {line.title}{opened if line.opened else ''}" for line in report.here[:_MOST_NAMED] if line.title]
    lines += used_lines(report.use, language)
    lines.append(say("night.missing_count", count=len(report.missing)))
    for line in report.missing[:_MOST_NAMED]:
        lines.append(f"  {line.title or say(f'night.what.{line.what}')}: {reason_text(line, say)}")
    if report.trouble:
        lines.append(say("night.trouble", why=report.trouble))
    if report.lacks:
        lines.append(say("night.lacks", names=", ".join(report.lacks)))
    subject = say("letter.report.subject", place=report.title.in_language(language))
    return subject, "\n".join(lines) + "\n"
