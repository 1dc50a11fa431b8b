"""A link that can be cut: a relay between a browser and Tropa."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Link:
    """Carries connections; `cut_after` breaks them when so many bytes have come down (or gone up), and nobody comes
    through until `mend`.

    cuts: how often it was cut; carried_bytes, up_bytes: how much has come down through it, and gone up
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._left_bytes: int | None = None
        self._counts_up = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.is_down = False
        self.cuts = 0
        self.carried_bytes = self.up_bytes = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, nbytes: int, *, up: bool = False) -> None:
        with self._lock:
            self._left_bytes, self._counts_up = nbytes, up

    def cut(self) -> None:
        """Now, in the middle of whatever is under way."""
        with self._lock:
            self.is_down, self.cuts = True, self.cuts + 1
        self._break()

    def mend(self, *, cut_after: int | None = None) -> None:
        """cut_after: as `cut_after`, in the same direction, before a byte of what waited goes through."""
        with self._lock:
            self.is_down, self._left_bytes = False, cut_after

    def close(self) -> None:
        self._listener.close()
        self._break()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.is_down:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)  # an answer may take as long as it takes
            with self._lock:
                self._open |= {near, far}
            for source, sink, up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(source, sink, up), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                sink.sendall(data)
                if self._spent(len(data), up):
                    self._break()
        # Closing alone doesn't end the other direction, which waits in `recv`.
        _end(source)
        _end(sink)
        with self._lock:
            self._open.discard(source)
        source.close()  # each of the two by the thread that reads from it

    def _spent(self, nbytes: int, up: bool) -> bool:
        """Whether that was the last byte that it was to carry."""
        with self._lock:
            self.up_bytes, self.carried_bytes = self.up_bytes + nbytes * up, self.carried_bytes + nbytes * (not up)
            if self._left_bytes is None or up is not self._counts_up:
                return False
            self._left_bytes -= nbytes
            if self._left_bytes > 0:
                return False
            self._left_bytes, self.is_down, self.cuts = None, True, self.cuts + 1
            return True

    def _break(self) -> None:
        with self._lock:
            broken = list(self._open)
        for one in broken:
            _end(one)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def link_to(port: int) -> Iterator[Link]:
    """A link to this port of loopback while the block runs."""
    link = Link(port)
    try:
        yield link
    finally:
        link.close()
