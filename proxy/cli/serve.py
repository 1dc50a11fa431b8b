"""`tropa serve`: the process itself."""

from __future__ import annotations

import gc

from policies.values import Text
from proxy.cli.command import Call, Command, regions_option, state_option


def _run(call: Call) -> int:
    from proxy.transforms.media.tools import look_ahead

    look_ahead()  # another program answers while this one loads
    # Nothing that is loaded is garbage, and looking for some takes a twelfth of the start: `app.settle_memory` begins.
    gc.disable()
    from proxy import app

    return app.run(regions_file=call.args.regions, state_dir=call.args.state)


COMMAND = Command(
    name="serve",
    summary=Text(ru="работать: принимать запросы слушателей", en="run: serve the learners"),
    details=Text(
        ru="Публикует файл, если он верен и ещё не публиковался; работает до SIGTERM; SIGHUP публикует заново.\n"
        "Журнал работы идёт в stderr: текстом в терминал, иначе строками JSON.",
        en="Publishes the file if it is valid and new, and runs until SIGTERM; SIGHUP publishes it again.\n"
        "The operator's log goes to stderr: as text to a terminal, else as lines of JSON.",
    ),
    arguments=(
        regions_option(),
        state_option(),
    ),
    examples=("tropa serve --regions /etc/tropa/regions.yaml --state /var/lib/tropa",),
    run=_run,
)
