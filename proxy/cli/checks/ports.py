"""The addresses to listen on: free, or a running Tropa's own."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address

from policies.model import Listener
from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine
from proxy.modes.addresses import in_networks
from proxy.modes.refusal import plain_body

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a listener on every address is reached
_MOST_BYTES = 65536


def ports(subject: Subject) -> Iterator[Finding]:
    listeners = subject.catalogue.settings.listeners
    if not listeners:
        yield broken(
            "ports",
            ("не назначено ни одного слушателя", "there is no listener"),
            ("добавьте tropa.listeners", "add one below tropa.listeners"),
        )
    for listener in listeners:
        yield _port(subject, listener)


def _port(subject: Subject, listener: Listener) -> Finding:
    where = f"{listener.name} {_shown(listener)} ({listener.mode})"
    try:
        _bind(listener)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(subject, listener, where)
        return _unusable(where, error)
    return fine("ports", f"{where}: свободен", f"{where}: free")


def _bind(listener: Listener) -> None:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((listener.host, listener.port))


def _taken(subject: Subject, listener: Listener, where: str) -> Finding:
    try:
        ours = is_ours(subject, listener)
    except TimeoutError:
        return _silent(listener, where, subject.deadline_s)
    if ours:
        return fine("ports", f"{where}: занят работающей Tropa", f"{where}: a running Tropa has it")
    return broken(
        "ports",
        (f"{where}: занят другой программой", f"{where}: another program has it"),
        (f"ss -ltnp 'sport = :{listener.port}' покажет её; остановите её или смените порт",
         f"ss -ltnp 'sport = :{listener.port}' shows it; stop it or take another port"),
    )  # fmt: skip


def _unusable(where: str, error: OSError) -> Finding:
    cures = {
        errno.EACCES: (
            "порты ниже 1024 требуют прав: AmbientCapabilities=CAP_NET_BIND_SERVICE",
            "ports below 1024 need a right: AmbientCapabilities=CAP_NET_BIND_SERVICE",
        ),
        errno.EADDRNOTAVAIL: (
            "укажите адрес этой машины (ip address) или 0.0.0.0",
            "write an address of this machine (ip address), or 0.0.0.0",
        ),
    }
    cure = cures.get(error.errno or 0, ("проверьте tropa.listeners", "look at tropa.listeners"))
    return broken("ports", (f"{where}: {error.strerror}", f"{where}: {error.strerror}"), cure)


def _silent(listener: Listener, where: str, deadline_s: float) -> Finding:
    """What holds the port may well be Tropa on a machine that is overloaded."""
    return broken(
        "ports",
        (f"{where}: занят, но за {deadline_s:.0f} с ответа нет", f"{where}: taken, but silent for {deadline_s:.0f} s"),
        (f"ss -ltnp 'sport = :{listener.port}' покажет, кем занят; если это Tropa, машина перегружена",
         f"ss -ltnp 'sport = :{listener.port}' shows by whom; if it is Tropa, the machine is overloaded"),
    )  # fmt: skip


def is_ours(subject: Subject, listener: Listener) -> bool:
    """Whether a Tropa answers there: by its health check, an error of its own, or its refusal to let us in.

    Raises TimeoutError where something is there and says nothing.
    """
    host = _ANY.get(listener.host, listener.host)
    try:
        with socket.create_connection((host, listener.port), timeout=subject.deadline_s) as plain:
            if in_networks(ip_address(plain.getsockname()[0]), listener.proxy_protocol_from):
                plain.sendall(b"PROXY UNKNOWN\r\n")
            if listener.tls_certificate is None:
                return _is_tropa(_asked(plain, _host(subject, listener)))
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain) as secure:
                return _is_tropa(_asked(secure, _host(subject, listener)))
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return False


def _host(subject: Subject, listener: Listener) -> str:
    origins = subject.catalogue.origins
    own = origins.get(listener.origin or "")
    chosen = list(origins.values()) if own is None else [own]
    names = [host for origin in chosen for host in origin.hosts if not host.startswith("*.")]
    return names[0] if names and listener.mode == "reverse" else listener.host


def _asked(connection: socket.socket, host: str) -> bytes:
    connection.sendall(f"GET /.tropa/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while len(answer) < _MOST_BYTES and (more := connection.recv(4096)):
        answer += more
    return answer


def _is_tropa(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return body == b"ok\n" or b"\r\ntropa-" in head.lower() or body == plain_body(403)


def _shown(listener: Listener) -> str:
    return f"[{listener.host}]:{listener.port}" if ":" in listener.host else f"{listener.host}:{listener.port}"


def metrics_port(subject: Subject) -> Iterator[Finding]:
    """Metrics tell of every region: they belong on this machine or a network of the operator's."""
    listen = subject.catalogue.settings.metrics_listen
    if listen is not None and listen.rpartition(":")[0] in ("0.0.0.0", "[::]", "::"):  # noqa: S104 - compared
        yield doubtful(
            "metrics",
            (f"метрики открыты всем: {listen}", f"metrics are open to everybody: {listen}"),
            ("слушайте на 127.0.0.1 или закройте порт", "listen on 127.0.0.1, or close the port in the firewall"),
        )
