"""`tropa schema`: the JSON Schema of regions.yaml, for editors that complete and check."""

from __future__ import annotations

import json

from policies.values import Text
from proxy.cli.command import OK, Call, Command


def _run(call: Call) -> int:
    from policies.load import json_schema

    call.say(json.dumps(json_schema(), ensure_ascii=False, indent=2))
    return OK


COMMAND = Command(
    name="schema",
    summary=Text(ru="JSON Schema файла regions.yaml для редакторов", en="the JSON Schema of regions.yaml, for editors"),
    details=Text(
        ru="Строка «# yaml-language-server: $schema=regions.schema.json» в начале regions.yaml включает подсказки.",
        en="A line `# yaml-language-server: $schema=regions.schema.json` atop regions.yaml makes editors complete it.",
    ),
    examples=("tropa schema > regions.schema.json",),
    run=_run,
)
