"""`tropa demo`: Tropa in front of the sample course that it carries."""

from __future__ import annotations

import sys

from policies.values import Text
from proxy.cli.command import OK, Call, Command, Failure, regions_option, state_option


def run(call: Call) -> int:
    """Build the course once, start it and Tropa, print addresses and what pages cost, until Ctrl+C."""
    import asyncio

    from proxy.account.operator_log import set_up
    from proxy.demo.course import FfmpegMissing
    from proxy.demo.show import show

    set_up(level=30)
    try:
        shown = show(call.args.regions, call.args.state, language=call.language, say=_say)
        asyncio.run(shown)
    except FfmpegMissing as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{error.strerror or error}") from error
    return OK


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)


COMMAND = Command(
    name="demo",
    summary=Text(
        ru="учебный курс и Тропа перед ним: адреса для браузера и цена страниц",
        en="the sample course with Tropa in front: addresses for a browser, and what pages cost",
    ),
    run=run,
    arguments=(regions_option(), state_option()),
    examples=("tropa demo", "tropa --lang ru demo"),
)
