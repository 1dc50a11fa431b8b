"""What keeps our scripts out of an origin's pages: uploads in pieces and the learner's own store need them.

Laws of this file: the origin's first page is asked for once, without a login, and at most three redirects of its own
are followed; what its scripts do later can't be seen here, so what the running Tropa has seen is told beside it.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin, urlsplit

from multidict import CIMultiDict

from policies.model import Origin
from proxy.account.sqlite import FILE_NAME
from proxy.cli.checks.finding import Finding, Subject, doubtful, fine
from proxy.cli.checks.upstreams import fields, opened
from proxy.cli.kept import read_state
from proxy.own.csp import lets_scripts_in, lets_workers_in
from proxy.own.own_workers import BY_POLICY, OWN_WORKER, seen
from proxy.upstream.address import target_of

_AT_ONCE = 8
_MOST_REDIRECTS = 3
_MOST_BYTES = 512 * 1024
_REGISTERS = re.compile(rb"serviceWorker\s*\.\s*register\s*\(")
_THEIRS = (
    "так решил владелец курса; если это ваш сайт, разрешите в политике страниц script-src и worker-src 'self'",
    "the course's owner decides; on a site of your own let script-src and worker-src 'self' in",
)


def scripts(subject: Subject) -> Iterator[Finding]:
    origins = [origin for origin in subject.catalogue.origins.values() if origin.upstream is not None]
    known = _seen_by_process(subject) if any(origin.own_store.enabled for origin in origins) else {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for findings in pool.map(lambda origin: list(_origin(subject, origin, known)), origins):
            yield from findings


def _seen_by_process(subject: Subject) -> Mapping[str, frozenset[str]]:
    if not (subject.state_dir / FILE_NAME).exists():
        return {}
    return read_state(subject.state_dir, lambda state: seen(state, subject.clock.now()))


def _origin(subject: Subject, origin: Origin, known: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    host = next((name for name in origin.hosts if not name.startswith("*.")), "")
    try:
        headers, text = _first_page(subject, origin, host)
    except (OSError, http.client.HTTPException):
        return  # `upstreams` says so
    if not lets_scripts_in(headers, host=host):
        yield doubtful("scripts", (
            f"{origin.id}: Content-Security-Policy страниц не пускает скрипты самого сайта: загрузка частями, "
            "уменьшение фото и хранение на устройстве там не работают",
            f"{origin.id}: its pages' Content-Security-Policy keeps scripts of the site itself out, so uploads in "
            "pieces, smaller photos and the learner's own store don't work there",
        ), _THEIRS)  # fmt: skip
    elif not origin.own_store.enabled:
        return
    elif origin.id in known.get(OWN_WORKER, ()) or _REGISTERS.search(text):
        yield doubtful("own store", (
            f"{origin.id}: у сайта свой service worker, поэтому хранение на устройстве отключено",
            f"{origin.id}: the site has a service worker of its own, so the learner's own store stays out",
        ), ("уберите own_store, если так и должно быть", "take own_store out if that is as it should be"))  # fmt: skip
    elif not lets_workers_in(headers, host=host) or origin.id in known.get(BY_POLICY, ()):
        yield doubtful("own store", (
            f"{origin.id}: Content-Security-Policy страниц не пускает service worker сайта, и на устройстве они не "
            "хранятся",
            f"{origin.id}: pages' Content-Security-Policy keeps the site's workers out: they have no own store",
        ), _THEIRS)  # fmt: skip
    else:
        yield fine(
            "own store", f"{origin.id}: хранению на устройстве ничто не мешает", f"{origin.id}: nothing is in its way"
        )


def _first_page(subject: Subject, origin: Origin, host: str) -> tuple[CIMultiDict[str], bytes]:
    """Raises OSError, HTTPException."""
    target, path = target_of(origin, scheme="https", host=host, port=443), "/"
    for _ in range(_MOST_REDIRECTS + 1):
        connection, _ends = opened(subject, origin, target)
        try:
            connection.request("GET", path, headers=fields(origin, target, host))
            response = connection.getresponse()
            text, headers = response.read(_MOST_BYTES), CIMultiDict(response.getheaders())
        finally:
            connection.close()
        to = urlsplit(urljoin(f"{target.scheme}://{target.authority}{path}", headers.get("Location", "")))
        if response.status not in (301, 302, 303, 307, 308) or to.hostname not in (target.host, host):
            break
        path = to._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return headers, text
