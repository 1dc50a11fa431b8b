import asyncio
import socket

from proxy.clock import SystemClock
from proxy.deliver.turns import PATIENCE_S, Turns


async def slow_socket() -> tuple[asyncio.Transport, socket.socket]:
    """A connection whose far side reads only when it is told to."""
    here, there = socket.socketpair()
    for end in (here, there):
        end.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=here)
    return transport, there


async def test_nobody_waits_where_no_style_sheet_is_on_its_way() -> None:
    await asyncio.wait_for(Turns(SystemClock()).wait("a"), 0.05)


async def test_a_script_waits_until_the_style_sheet_has_left_the_socket() -> None:
    turns = Turns(SystemClock())
    transport, far = await slow_socket()
    style, script = turns.take("a"), turns.take("a")
    waiting = asyncio.ensure_future(turns.wait("a", script))
    await asyncio.sleep(0.12)
    assert not waiting.done()
    transport.write(bytes(4_000_000))
    turns.end(style, transport)
    await asyncio.sleep(0.12)
    assert not waiting.done()
    while not waiting.done():
        try:
            far.recv(1 << 20)
        except BlockingIOError:
            await asyncio.sleep(0.01)
    transport.abort()
    far.close()


async def test_whoever_asked_first_does_not_wait_for_those_behind() -> None:
    turns = Turns(SystemClock())
    style, _ = turns.take("a"), turns.take("a")
    await asyncio.wait_for(turns.wait("a", style), 0.05)


async def test_a_picture_waits_for_the_whole_line() -> None:
    turns = Turns(SystemClock())
    style = turns.take("a")
    picture = asyncio.ensure_future(turns.wait("a"))
    await asyncio.sleep(0.12)
    assert not picture.done()
    turns.end(style, None)
    await asyncio.wait_for(picture, 1)


async def test_another_learner_does_not_wait() -> None:
    turns = Turns(SystemClock())
    turns.take("a")
    await asyncio.wait_for(turns.wait("b"), 0.05)


async def test_a_client_that_leaves_frees_the_line() -> None:
    turns = Turns(SystemClock())
    transport, far = await slow_socket()
    turn = turns.take("a")
    transport.write(bytes(4_000_000))
    turns.end(turn, transport)
    transport.abort()
    await asyncio.wait_for(turns.wait("a"), 1)
    far.close()


YUI, SHEET, BUNDLE = "http://lms/yui.js", "http://lms/all.css", "http://lms/bundle.js"


def expecting() -> Turns:
    turns = Turns(SystemClock())
    turns.expect("here", [YUI, SHEET, BUNDLE], frozenset({SHEET}))
    return turns


async def test_what_a_page_needs_sooner_goes_first_though_asked_for_later() -> None:
    turns = expecting()
    bundle, yui = turns.take("a", "here", BUNDLE), turns.take("a", "here", YUI)
    await asyncio.wait_for(turns.wait("a", yui), 0.05)
    waiting = asyncio.ensure_future(turns.wait("a", bundle))
    await asyncio.sleep(0.12)
    assert not waiting.done()
    turns.end(yui, None)
    await asyncio.wait_for(waiting, 1)


async def test_a_late_sheet_lets_what_is_still_to_be_asked_for_overtake_it() -> None:
    turns = expecting()
    sheet = turns.take("a", "here", SHEET)
    waiting = asyncio.ensure_future(turns.wait("a", sheet))
    await asyncio.sleep(0.12)
    assert sheet.late and not waiting.done()
    yui = turns.take("a", "here", YUI)
    await asyncio.wait_for(turns.wait("a", yui), 0.05)
    turns.end(yui, None)
    await asyncio.wait_for(waiting, 0.2)


async def test_a_late_sheet_waits_only_a_moment_for_what_the_browser_has() -> None:
    turns = expecting()
    await asyncio.wait_for(turns.wait("a", turns.take("a", "here", SHEET)), PATIENCE_S + 0.3)


async def test_another_browsers_page_orders_nothing_here() -> None:
    turns = expecting()
    bundle, _ = turns.take("a", "elsewhere", BUNDLE), turns.take("a", "elsewhere", YUI)
    await asyncio.wait_for(turns.wait("a", bundle), 0.05)
