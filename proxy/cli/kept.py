"""Reading what a running Tropa keeps, without disturbing it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from proxy.cli.command import Failure

if TYPE_CHECKING:
    from proxy.account.state import State

_Result = TypeVar("_Result")


def read_state(state_dir: Path, look: Callable[[State], Awaitable[_Result]]) -> _Result:
    """What `look` finds in the state of that folder. Raises Failure where it can't be read."""
    import asyncio

    from proxy.account.sqlite import FILE_NAME, SqliteState

    path = state_dir / FILE_NAME

    async def reading() -> _Result:
        state = SqliteState(path, read_only=True)
        await state.start()
        try:
            found = await look(state)
            trouble = state.health.trouble
        finally:
            await state.close()
        if trouble is not None:
            raise Failure(f"{path}: {trouble}")
        return found

    if not path.exists():
        raise Failure(f"{path}: no such file; has tropa serve run with --state {state_dir}?")
    return asyncio.run(reading())
