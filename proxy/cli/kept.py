"""Reading what a running Tropa keeps, without disturbing it, and leaving wishes to it."""

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
    return _with_state(state_dir, look, read_only=True)


def write_state(state_dir: Path, change: Callable[[State], Awaitable[_Result]]) -> _Result:
    """What `change` answers; it may commit beside a running process. Raises Failure where that can't be."""
    return _with_state(state_dir, change, read_only=False)


def _with_state(state_dir: Path, work: Callable[[State], Awaitable[_Result]], *, read_only: bool) -> _Result:
    import asyncio

    from proxy.account.sqlite import FILE_NAME, SqliteState

    path = state_dir / FILE_NAME

    async def working() -> _Result:
        state = SqliteState(path, read_only=read_only)
        await state.start()
        try:
            found = await work(state)
            trouble = state.health.trouble
        finally:
            await state.close()
        if trouble is not None:
            raise Failure(f"{path}: {trouble}")
        return found

    if not path.exists():
        raise Failure(f"{path}: no such file; has tropa serve run with --state {state_dir}?")
    return asyncio.run(working())
