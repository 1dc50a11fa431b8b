"""Debian's Firefox, headless, driven by WebDriver BiDi (W3C working draft): only what the journeys need."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.harness.waiting import PATIENCE_S

_LISTENS = re.compile(rb"WebDriver BiDi listening on (ws://[\d.:]+)")
_PREFERENCES = {
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "media.volume_scale": "0.0",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.localDomains": "course.localhost,lms.localhost",
    "toolkit.telemetry.enabled": False,
}


def find_firefox() -> str | None:
    """The Firefox to drive, None where there is none."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class BidiError(Exception):
    """The browser said no."""


class Firefox:
    """One page of one browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())
        self._context = ""

    async def begin(self) -> None:
        await self._send("session.new", {"capabilities": {}})
        tree = await self._send("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    async def open(self, url: str, *, wait: str = "complete") -> None:
        await self._send("browsingContext.navigate", {"context": self._context, "url": url, "wait": wait})

    async def size(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        await self._send("browsingContext.setViewport", {"context": self._context, "viewport": viewport})

    async def run(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for. Plain values only."""
        result = await self._send(
            "script.evaluate",
            {
                "expression": expression,
                "target": {"context": self._context},
                "awaitPromise": True,
                "userActivation": True,
            },
        )
        if result["type"] != "success":
            raise BidiError(str(result.get("exceptionDetails", {}).get("text")))
        return _plain(result["result"])

    async def until(self, expression: str, *, within_s: float = PATIENCE_S, step_s: float = 0.1) -> Any:
        """The expression's first true value. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    value = await self.run(expression)
                except BidiError:  # a page that is just being left
                    value = None
                if value:
                    return value
                await asyncio.sleep(step_s)

    async def click(self, selector: str) -> None:
        await self.run(f"document.querySelector({selector!r}).click()")

    async def keys(self, *keys: str) -> None:
        """Press keys one after the other, as a keyboard does ("ArrowRight" is "\\ue014")."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        await self._send(
            "input.performActions",
            {"context": self._context, "actions": [{"type": "key", "id": "keyboard", "actions": actions}]},
        )

    async def picture(self, path: Path) -> None:
        shot = await self._send("browsingContext.captureScreenshot", {"context": self._context})
        path.write_bytes(base64.b64decode(shot["data"]))

    async def end(self) -> None:
        self._reader.cancel()
        await self._socket.close()

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(60):
            return await answer

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            waiting = self._waiting.pop(told.get("id"), None)
            if waiting is None or waiting.done():
                continue
            if told.get("type") == "error":
                waiting.set_exception(BidiError(f"{told.get('error')}: {told.get('message')}"))
            else:
                waiting.set_result(told["result"])


def _plain(value: dict[str, Any]) -> Any:
    match value.get("type"):
        case "null" | "undefined":
            return None
        case "array":
            return [_plain(one) for one in value.get("value", [])]
        case "object":
            return {name: _plain(one) for name, one in value.get("value", [])}
        case _:
            return value.get("value")


@asynccontextmanager
async def firefox(profile: Path, *, scripts: bool = True) -> AsyncIterator[Firefox]:
    """A fresh browser with a fresh profile. scripts False: JavaScript is off in pages."""
    program = find_firefox()
    assert program is not None
    profile.mkdir(parents=True, exist_ok=True)
    preferences = {**_PREFERENCES, "javascript.enabled": scripts}
    lines = [f"user_pref({name!r}, {_literal(value)});" for name, value in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines).replace("'", '"'))
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        address = await _address(process)
        drain = asyncio.create_task(_drain(process))
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{address}/session", max_msg_size=64 * 1024**2) as socket,
        ):
            page = Firefox(socket)
            await page.begin()
            try:
                yield page
            finally:
                await page.end()
                drain.cancel()
    finally:
        process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := await process.stderr.readline():
            if found := _LISTENS.search(line):
                return found[1].decode()
    raise RuntimeError("Firefox did not start")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(65536):
        pass


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
