"""The institutes' accounts: their token is fit to be used, and they may call what the places follow."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from policies.model import Followed, Origin
from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine
from proxy.cli.checks.upstreams import connected
from proxy.night.answers import mapping
from proxy.night.functions import SITE_INFO, missing
from proxy.night.service import ServiceFailed, read_token, where_of
from proxy.upstream.address import target_of
from proxy.upstream.trust import tls_context

_MAX_ANSWER_BYTES = 1 << 20


def services(subject: Subject) -> Iterator[Finding]:
    """One finding an account."""
    for origin in subject.catalogue.origins.values():
        if origin.service is None:
            continue
        followed = _followed(subject, origin)
        try:
            info = _info(subject, origin)
        except ServiceFailed as failed:
            yield _unusable(origin, failed.why)
        except (OSError, http.client.HTTPException, ValueError) as error:
            yield _unusable(origin, str(error) or type(error).__name__)
        else:
            yield _judged(origin, info, followed)


def _followed(subject: Subject, origin: Origin) -> frozenset[Followed]:
    follows = (one for territory in subject.catalogue.territories.values() for one in territory.night.follow)
    return frozenset(what for follow in follows if follow.origin == origin.id for what in follow.what)


def _info(subject: Subject, origin: Origin) -> Any:
    """What the site says of the account. The token goes where the night sends it, and nowhere else."""
    service = origin.service
    assert service is not None, "asked by `services`"
    token = read_token(Path(service.token_file))
    where = where_of(f"{service.site.rstrip('/')}/webservice/rest/server.php")
    target = target_of(origin, scheme=where.scheme, host=where.host, port=where.port)
    connection = connected(subject, origin, target)
    try:
        if target.scheme == "https":
            context = tls_context(subject.catalogue.settings.ca_file, origin)
            connection.sock = context.wrap_socket(connection.sock, server_hostname=target.tls_name or target.host)
        body = urlencode({"wstoken": token, "wsfunction": SITE_INFO, "moodlewsrestformat": "json"})
        host = target.authority if origin.rename else urlsplit(service.site).netloc
        headers = {"Host": host, "User-Agent": "tropa-doctor", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", where.target, body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise ServiceFailed(f"service-{answer.status}")
        told = json.loads(answer.read(_MAX_ANSWER_BYTES))
    finally:
        connection.close()
    if "exception" in mapping(told):
        raise ServiceFailed(str(told.get("errorcode") or "service-error")[:60])
    return told


def _judged(origin: Origin, info: Any, followed: frozenset[Followed]) -> Finding:
    lacks = missing(info, followed)
    if not lacks:
        return fine("account", f"{origin.id}: учётная запись годна", f"{origin.id}: the account does")
    names = ", ".join(lacks)
    return doubtful(
        "account",
        (f"{origin.id}: учётной записи не даны: {names}", f"{origin.id}: the account may not call: {names}"),
        (
            "добавьте их в веб-службу учётной записи: без них этого не будет к утру",
            "add them to the account's web service: without them that part isn't here by the morning",
        ),
    )


def _unusable(origin: Origin, why: str) -> Finding:
    return broken(
        "account",
        (f"{origin.id}: учётная запись не работает: {why}", f"{origin.id}: the account doesn't work: {why}"),
        ("см. docs/how-to/fetch-at-night.md, «The account»", "see docs/how-to/fetch-at-night.md, “The account”"),
    )
