"""Listening sockets and the loop that accepts on them."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from proxy.clock import Clock

logger = logging.getLogger("tropa.wire")
_BACKLOG = 512
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NOTE_EVERY_S = 60.0


def listen(host: str, port: int) -> list[socket.socket]:
    """Non-blocking listening sockets for a host ("" and "*": every address, both families). Raises OSError."""
    every = host in ("", "*")
    infos = socket.getaddrinfo(None if every else host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in infos:
            if made and port == 0:  # one port for both families
                address = (address[0], made[0].getsockname()[1], *address[2:])
            made.append(_listening(family, kind, protocol, address))
    except OSError as error:
        for sock in made:
            sock.close()
        raise OSError(
            error.errno, f"can't listen on {host or '*'}:{port}: {error.strerror}; tropa doctor tells why"
        ) from error
    return made


def _listening(family: int, kind: int, protocol: int, address: object) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)  # type: ignore[arg-type]
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


async def accept_forever(sock: socket.socket, arrived: Callable[[socket.socket], None], clock: Clock) -> None:
    """Hand on every connection. Survives want of descriptors, saying so once a minute."""
    loop = asyncio.get_running_loop()
    noted_s = -_NOTE_EVERY_S
    while True:
        try:
            connected, _ = await loop.sock_accept(sock)
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                if clock.steady_s() - noted_s >= _NOTE_EVERY_S:
                    noted_s = clock.steady_s()
                    logger.error("can't accept connections: %s; raise the limit of open files", error.strerror)
                await asyncio.sleep(0.2)
            elif sock.fileno() < 0:
                return
            continue
        arrived(connected)
