"""The links to origins as the running Tropa sees them, or saw them last."""

from __future__ import annotations

import json
from collections.abc import Iterator

from proxy.cli.checks.finding import Finding, Subject, doubtful, fine
from proxy.watch import STATE_FILE


def links(subject: Subject) -> Iterator[Finding]:
    """One line for each link that isn't up; nothing where no Tropa has run here."""
    try:
        told = json.loads((subject.state_dir / STATE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return
    if not told:
        yield fine("links", "все связаны", "all are up")
    for one in told:
        since = str(one["since"])[:16].replace("T", " ")
        yield doubtful(
            f"link {one['origin']} ({one['target']})",
            (
                f"{'нет связи' if one['link'] == 'down' else 'связь плохая'} с {since} UTC",
                f"{one['link']} since {since} UTC ({one['why']})",
            ),
            ("Tropa пробует её сама; сообщения ждут", "Tropa tries it by itself; messages wait"),
        )
