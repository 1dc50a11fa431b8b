"""Who the learner is and where, from a request's head alone.

Laws of this file: no I/O, so it may run on every request; whatever identifies a person is hashed with the
installation's secret before it leaves this file; what a client says of itself counts only with our signature or
through a trusted front.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from policies.classify import is_logout
from policies.frozen import Frozen
from policies.memory import remember
from policies.model import Catalogue, Origin, Preset, Territory
from policies.values import Mode
from proxy.account import cookies
from proxy.account.cookies import EMPTY, OwnCookie
from proxy.account.language import LANGUAGES, preferred_language
from proxy.account.placing import Placing
from proxy.account.secret import Keyed
from proxy.exchange import ClientAddress, Inbound, Who
from proxy.fetch_metadata import is_passed_on_page

_MEMO_ENTRIES = 4096
_MEMO_COOKIE_CHARS = 2048  # longer heads are identified anew rather than kept
_MEMO_TEXT_CHARS = 1024  # of a path, of a language's header: as with cookies, so that strangers can't fill the memory
_MEMO_LIFETIME = timedelta(seconds=60)  # so that an expired cookie is noticed
_NO_SESSION = frozenset({"", "deleted", "null"})


class _Head(Frozen, frozen=True):
    """What of a request says who it is; equal heads mean the same person for a minute."""

    listener: str
    client: ClientAddress
    cookie: str
    accept_language: str
    trusted: tuple[str, str, str, str]  # region, site, learner, groups


_Memo = dict[tuple[object, ...], tuple[Who, OwnCookie | None, datetime]]


class Identifier:
    """Identifies learners under one catalogue; built anew with each, from the same secret."""

    def __init__(self, catalogue: Catalogue, secret: bytes) -> None:
        self._keyed = Keyed(secret)
        self._placing = Placing(catalogue)
        names = catalogue.settings.trusted_headers
        self._names = tuple(name or "" for name in (names.region, names.site, names.learner, names.groups))
        self._believes = any(self._names)
        self._memo: _Memo = {}
        self._logouts: dict[tuple[str, str], bool] = {}

    def identify(self, inbound: Inbound, now: datetime) -> Who:
        """Whose exchange it is; `set_cookie` is filled only for a page that a browser asks for by itself."""
        headers = inbound.request.headers
        who, renewed = self._known(
            headers, inbound.client, inbound.listener, inbound.origin, inbound.scheme, inbound.mode, now
        )
        if renewed is not None and _is_page(headers):
            return self._with_cookie(who, renewed, inbound.scheme, now)
        return who

    def identify_tunnel(
        self,
        headers: Mapping[str, str],
        *,
        client: ClientAddress,
        listener: str,
        origin: Origin | None,
        now: datetime,
    ) -> Who:
        """Whose tunnel it is: by trusted header, else the place alone, for a CONNECT has no cookies of its own."""
        return self._known(headers, client, listener, origin, "https", Mode.TUNNEL, now)[0]

    def place(self, territory: Territory) -> Who:
        """The place itself, for what is fetched ahead for all of it: no learner, but with counters as one has."""
        return Who(
            territory=territory,
            learner=self._keyed.learner("site", territory.region, territory.site or ""),
            learner_by="site",
            known_by="default",
            language=territory.language,
        )

    def also_known(self, inbound: Inbound, now: datetime) -> tuple[str, ...]:
        """Other ids this browser had before the origin gave it a session: a token made for them is still hers."""
        own = self._own_cookie(inbound.request.headers.get("Cookie", ""), inbound.scheme, now)
        return (self._keyed.learner("cookie", own.id),) if own.id else ()

    # -- what the learner changes ---------------------------------------------------------------------------

    def choose_place(self, inbound: Inbound, region: str, site: str, now: datetime) -> str | None:
        """A Set-Cookie for the learner's own pick; "" forgets the pick; None: nobody may pick that place."""
        if region and self._placing.selectable(region, site) is None:
            return None
        return self._changed(inbound, now, region=region, site=site)

    def choose_language(self, inbound: Inbound, language: str, now: datetime) -> str | None:
        """A Set-Cookie for "ru", "en" or "" (as the browser asks); None: no such language."""
        if language not in ("", *LANGUAGES):
            return None
        return self._changed(inbound, now, language=language)

    def ended(self, inbound: Inbound, now: datetime) -> str | None:
        """A Set-Cookie that ends the identity at the origin's logout, keeping the PC's place and language.

        None: the browser has no identity of ours.
        """
        own = self._own_cookie(inbound.request.headers.get("Cookie", ""), inbound.scheme, now)
        return self._changed(inbound, now, id="") if own.id else None

    def is_logout(self, inbound: Inbound) -> bool:
        """Whether this request is the origin's own logout, by its preset."""
        origin = inbound.origin
        if origin is None or not origin.preset.logout:
            return False
        key = (origin.id, inbound.path)
        known = self._logouts.get(key)
        if known is None:
            known = is_logout(origin, inbound.path)
            if len(inbound.path) <= _MEMO_TEXT_CHARS:
                remember(self._logouts, key, known, _MEMO_ENTRIES)
        return known

    # -- look-up --------------------------------------------------------------------------------------------

    def _known(
        self,
        headers: Mapping[str, str],
        client: ClientAddress,
        listener: str,
        origin: Origin | None,
        scheme: str,
        mode: Mode,
        now: datetime,
    ) -> tuple[Who, OwnCookie | None]:
        cookie = headers.get("Cookie", "")
        language = headers.get("Accept-Language", "")
        trusted = self._trusted(headers) if self._believes and client.trusted else ("", "", "", "")
        origin_id = origin.id if origin is not None else ""
        # An address's own hash and comparison are functions in Python; its number's aren't.
        address = client.address
        key = (listener, type(address), int(address), cookie, language, origin_id, scheme, mode, trusted)
        found = self._memo.get(key)
        if found is not None and found[2] > now:
            return found[0], found[1]
        head = _Head(listener, client, cookie, language, trusted)
        who, renewed = self._look(head, origin, scheme, mode, now)
        if len(cookie) <= _MEMO_COOKIE_CHARS and len(language) <= _MEMO_TEXT_CHARS:
            if len(self._memo) >= _MEMO_ENTRIES:
                self._memo.clear()
            self._memo[key] = (who, renewed, now + _MEMO_LIFETIME)
        return who, renewed

    def _trusted(self, headers: Mapping[str, str]) -> tuple[str, str, str, str]:
        region, site, learner, groups = (headers.get(name, "") if name else "" for name in self._names)
        return region.strip(), site.strip(), learner.strip(), groups

    def _look(
        self, head: _Head, origin: Origin | None, scheme: str, mode: Mode, now: datetime
    ) -> tuple[Who, OwnCookie | None]:
        own = EMPTY if mode is Mode.TUNNEL else self._own_cookie(head.cookie, scheme, now)
        region, site, login, groups = head.trusted
        territory, known_by = self._placing.find(
            told=(region, site), login=login, picked=own, client=head.client, listener=head.listener
        )
        learner, learner_by = self._learner(login, origin, head, own, territory)
        who = Who(
            territory=territory,
            learner=learner,
            learner_by=learner_by,
            known_by=known_by,
            language=own.language or preferred_language(head.accept_language, territory.language),
            groups=frozenset(group.strip() for group in groups.split(",") if group.strip()),
        )
        may_have_cookie = origin is not None and mode is not Mode.TUNNEL and known_by != "default"
        return who, self._renewal(own, who, now) if may_have_cookie else None

    def _learner(
        self, login: str, origin: Origin | None, head: _Head, own: OwnCookie, territory: Territory
    ) -> tuple[str, str]:
        keyed = self._keyed
        if login:
            return keyed.learner("header", login), "header"
        if origin is not None and (session := session_of(head.cookie, origin.preset)):
            return keyed.learner("session", origin.id, *session), "session"
        if own.id:
            return keyed.learner("cookie", own.id), "cookie"
        if territory.site is not None:
            return keyed.learner("site", territory.region, territory.site), "site"
        # A whole region is no pseudo-learner: one village's tunnels would spend everybody's allowance.
        return keyed.learner("address", territory.region, str(head.client.address)), "address"

    # -- the cookie -----------------------------------------------------------------------------------------

    def _own_cookie(self, header: str, scheme: str, now: datetime) -> OwnCookie:
        return cookies.read(cookies.cookie_value(header, cookies.cookie_name(scheme)), self._keyed, now)

    @staticmethod
    def _renewal(own: OwnCookie, who: Who, now: datetime) -> OwnCookie | None:
        """The cookie to send: a first one where nothing else tells learners apart, or one past its half-life."""
        if own != EMPTY and own.expires - now < cookies.LIFETIME / 2:
            return own
        return own if not own.id and who.learner_by in ("site", "address") else None

    def _with_cookie(self, who: Who, own: OwnCookie, scheme: str, now: datetime) -> Who:
        fresh = replace(own, id=own.id or secrets.token_urlsafe(12), expires=now + cookies.LIFETIME)
        header = cookies.set_cookie(fresh, self._keyed, scheme=scheme)
        if who.learner_by not in ("site", "address"):
            return replace(who, set_cookie=header)
        # The page's own buttons are sealed for the id that the browser will come back with.
        return replace(who, set_cookie=header, learner=self._keyed.learner("cookie", fresh.id), learner_by="cookie")

    def _changed(self, inbound: Inbound, now: datetime, **changes: str) -> str:
        own = self._own_cookie(inbound.request.headers.get("Cookie", ""), inbound.scheme, now)
        fresh = replace(own, expires=now + cookies.LIFETIME, **changes)
        return cookies.set_cookie(fresh, self._keyed, scheme=inbound.scheme)


def session_of(header: str, preset: Preset) -> tuple[str, str] | None:
    """Name and value of the origin's session cookie; `MoodleSession*` means any name that begins so."""
    if not header or not preset.session_cookies:
        return None
    for pair in header.split(";"):
        name, _, value = pair.partition("=")
        name, value = name.strip(), value.strip()
        if value not in _NO_SESSION and any(_names(pattern, name) for pattern in preset.session_cookies):
            return name, value
    return None


def _names(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _is_page(headers: Mapping[str, str]) -> bool:
    destination = headers.get("Sec-Fetch-Dest")
    if destination == "empty":
        return is_passed_on_page(headers)
    return destination == "document" if destination else "text/html" in headers.get("Accept", "")
