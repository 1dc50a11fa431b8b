"""`tropa serve`: the process itself."""

from __future__ import annotations

from policies.values import Text
from proxy.cli.command import Argument, Call, Command, regions_option, state_option


def _run(call: Call) -> int:
    from proxy import app
    from proxy.account.operator_log import set_up

    set_up(as_json=call.args.log_json, stream=call.err)
    return app.run(regions_file=call.args.regions, state_dir=call.args.state)


COMMAND = Command(
    name="serve",
    summary=Text(ru="работать: принимать запросы слушателей", en="run: serve the learners"),
    details=Text(
        ru="Публикует файл, если он верен и изменился, и работает до SIGTERM; SIGHUP публикует файл заново.",
        en="Publishes the file if it is valid and has changed, and runs until SIGTERM; SIGHUP publishes it again.",
    ),
    arguments=(
        regions_option(),
        state_option(),
        Argument(
            names=("--log-json",),
            flag=True,
            help=Text(ru="писать журнал работы строками JSON", en="write the operator's log as lines of JSON"),
        ),
    ),
    examples=("tropa serve --regions /etc/tropa/regions.yaml --state /var/lib/tropa",),
    run=_run,
)
