"""The origins: reachable, with a certificate that holds for a while, and clocks that agree with ours."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

from policies.frozen import Frozen
from policies.model import Origin
from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine
from proxy.upstream.address import Target, target_of
from proxy.upstream.chain import proxy_hop
from proxy.upstream.guard import why_closed
from proxy.upstream.trust import tls_context

_AT_ONCE = 8
_SOON_DAYS = 14
_DRIFT_S = 5.0  # windows open to the second; Date has whole seconds and a satellite's round trip is one more
_FAR_DRIFT_S = 120.0


class _Answer(Frozen, frozen=True, kw_only=True):
    """ends None: plain HTTP, or a certificate that isn't looked at. drift_s > 0: our clock is ahead."""

    status: int
    ends: datetime | None
    drift_s: float | None


def upstreams(subject: Subject) -> Iterator[Finding]:
    origins = [origin for origin in subject.catalogue.origins.values() if origin.upstream is not None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for findings in pool.map(lambda origin: list(_origin(subject, origin)), origins):
            yield from findings


def _origin(subject: Subject, origin: Origin) -> Iterator[Finding]:
    host = next((name for name in origin.hosts if not name.startswith("*.")), "")
    target = target_of(origin, scheme="https", host=host, port=443)
    name = f"{origin.id} ({target.scheme}://{target.authority})"
    try:
        if (refused := _refused(subject, origin, target)) is not None:
            yield _closed(name, refused)
            return
        answer = _ask(subject, origin, target, host)
    except ssl.SSLCertVerificationError as error:
        yield _untrusted(name, error)
    except (OSError, http.client.HTTPException) as error:
        yield _unreachable(name, error)
    else:
        yield from _judged(subject, origin, name, answer)


def _refused(subject: Subject, origin: Origin, target: Target) -> str | None:
    """Why our own guard wouldn't connect; None: it would."""
    if origin.allow_private or subject.catalogue.settings.upstream_proxy is not None:
        return None
    for info in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):
        address = str(info[4][0]).split("%", 1)[0]
        if (why := why_closed(ip_address(address))) is not None:
            return f"{address} is {why}"
    return None


def _ask(subject: Subject, origin: Origin, target: Target, host: str) -> _Answer:
    connection, ends = opened(subject, origin, target)
    try:
        asked = subject.clock.now()
        connection.request("HEAD", "/", headers=fields(origin, target, host))
        response = connection.getresponse()
        return _Answer(status=response.status, ends=ends, drift_s=_drift_s(subject, response.getheader("Date"), asked))
    finally:
        connection.close()


def fields(origin: Origin, target: Target, host: str) -> dict[str, str]:
    """The head of a request of the doctor's. host: the origin's own name, "" for none."""
    named = target.authority if origin.rename or not host else host
    return {"Host": named, "User-Agent": "tropa-doctor", "Connection": "close"}


def opened(subject: Subject, origin: Origin, target: Target) -> tuple[http.client.HTTPConnection, datetime | None]:
    """A connection, and when its certificate ends; None: plain HTTP, or none that is looked at. Raises OSError."""
    connection = connected(subject, origin, target)
    if target.scheme != "https":
        return connection, None
    try:
        context = tls_context(subject.catalogue.settings.ca_file, origin)
        secure = context.wrap_socket(connection.sock, server_hostname=target.tls_name or target.host)
    except OSError:
        connection.close()
        raise
    connection.sock, certificate = secure, secure.getpeercert()
    ended = certificate.get("notAfter") if certificate else None
    return connection, datetime.fromtimestamp(ssl.cert_time_to_seconds(ended), UTC) if isinstance(ended, str) else None


def connected(subject: Subject, origin: Origin, target: Target) -> http.client.HTTPConnection:
    hop = None if origin.allow_private else proxy_hop(subject.catalogue.settings)
    if hop is None:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=subject.deadline_s)
    else:
        login = {"Proxy-Authorization": hop.authorization} if hop.authorization is not None else None
        connection = http.client.HTTPConnection(hop.host, hop.port, timeout=subject.deadline_s)
        connection.set_tunnel(target.host, target.port, login)
    connection.connect()
    return connection


def _drift_s(subject: Subject, date: str | None, asked: datetime) -> float | None:
    if date is None:
        return None
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    # The answer was written half-way, and Date leaves out half a second on average.
    ours = asked + (subject.clock.now() - asked) / 2
    return (ours - theirs).total_seconds() - 0.5


# -- judgements ------------------------------------------------------------------------------------------------


def _judged(subject: Subject, origin: Origin, name: str, answer: _Answer) -> Iterator[Finding]:
    if answer.status >= 500:
        yield doubtful(
            "upstream",
            (f"{name}: отвечает {answer.status}", f"{name}: answers {answer.status}"),
            ("посмотрите журнал самого сайта", "look at the site's own log"),
        )
    else:
        yield fine("upstream", f"{name}: отвечает ({answer.status})", f"{name}: answers ({answer.status})")
    if answer.ends is not None:
        yield _lifetime(name, (answer.ends - subject.clock.now()).days)
    elif not origin.verify_tls:
        yield doubtful(
            "certificate",
            (f"{name}: сертификат не проверяется", f"{name}: its certificate is not verified"),
            ("задайте ca_file вместо verify_tls: false", "name its authority in ca_file instead of verify_tls: false"),
        )
    if answer.drift_s is not None:
        yield _clock(name, answer.drift_s)


def _lifetime(name: str, days: int) -> Finding:
    if days < _SOON_DAYS:
        return doubtful(
            "certificate",
            (f"{name}: сертификат кончается через {days} дн.", f"{name}: its certificate ends in {days} days"),
            ("напомните владельцу сайта", "remind the site's owner"),
        )
    return fine("certificate", f"{name}: цепочка верна, ещё {days} дн.", f"{name}: the chain holds, {days} days left")


def _clock(name: str, drift_s: float) -> Finding:
    ahead = "спешат" if drift_s > 0 else "отстают"
    told = (
        f"{name}: наши часы {ahead} на {abs(drift_s):.0f} с против сайта",
        f"{name}: our clock is {abs(drift_s):.0f} s {'ahead of' if drift_s > 0 else 'behind'} the site's",
    )
    cure = ("включите точное время: timedatectl set-ntp true", "have the time set: timedatectl set-ntp true")
    if abs(drift_s) > _FAR_DRIFT_S:
        return broken("clock", told, cure)
    if abs(drift_s) > _DRIFT_S:
        return doubtful("clock", told, cure)
    return fine("clock", f"{name}: часы сходятся", f"{name}: the clocks agree")


def _closed(name: str, why: str) -> Finding:
    return broken(
        "upstream",
        (f"{name}: {why}, Tropa туда не пойдёт", f"{name}: {why}, so Tropa won't connect"),
        (
            "если это ваш сервер, задайте источнику allow_private: true",
            "if it is your own server, give the origin allow_private: true",
        ),
    )


def _untrusted(name: str, error: ssl.SSLCertVerificationError) -> Finding:
    cures = {
        10: ("сайт должен обновить сертификат", "the site must renew its certificate"),
        20: ("сайт шлёт неполную цепочку, или его центр не известен: назовите его в ca_file",
             "the site sends no whole chain, or its authority isn't known: name it in ca_file"),
        62: ("имя в upstream должно быть именем из сертификата",
             "upstream must have a name that is in the certificate"),
    }  # fmt: skip
    cures[18] = cures[19] = cures[21] = cures[20]
    told = error.verify_message
    return broken(
        "certificate",
        (f"{name}: {told}", f"{name}: {told}"),
        cures.get(error.verify_code, ("проверьте сертификат сайта", "look at the site's certificate")),
    )


def _unreachable(name: str, error: Exception) -> Finding:
    told = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return broken(
        "upstream",
        (f"{name}: недоступен ({told})", f"{name}: can't be reached ({told})"),
        (
            "проверьте upstream, DNS, межсетевой экран и сам сайт",
            "look at upstream, DNS, the firewall and the site itself",
        ),
    )
