"""Who the learner is and where: precedence, secrecy, endings."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policies.model import Settings, TrustedHeaders
from policies.nowhere import UNKNOWN
from policies.values import Mode
from proxy.account.cookies import LIFETIME
from proxy.account.identity import Identifier
from tests.builders import MOODLE, a_catalogue, a_territory, an_origin
from tests.inbounds import PAGE_HEADERS, an_inbound

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = b"s" * 32
SESSIONED = an_origin(preset=replace(MOODLE, session_cookies=("MoodleSession*",)))
KORYAK = a_territory("koryak", networks=("10.41.0.0/16",))
SCHOOL = a_territory("koryak", "tigil", networks=("10.41.7.0/24",))
CITY = replace(a_territory("city", listeners=frozenset({"city-door"})), selectable=True)
HEADERS = TrustedHeaders(region="x-region", site="x-site", learner="x-user", groups="x-groups")
SETTINGS = Settings(trusted_headers=HEADERS, site_table={"olga": ("koryak", "tigil")})


def an_identifier(**settings: object) -> Identifier:
    origins = (SESSIONED,)
    return Identifier(
        a_catalogue(KORYAK, SCHOOL, CITY, origins=origins, settings=replace(SETTINGS, **settings)), SECRET
    )


def a_visit(*args: object, **headers: object):
    return an_inbound(*args, **({"origin": SESSIONED} | headers))


def own_cookie(set_cookie: str | None) -> str:
    assert set_cookie is not None
    return set_cookie.partition(";")[0]


# -- where -----------------------------------------------------------------------------------------------------


def test_the_longest_network_prefix_finds_the_school_within_the_region() -> None:
    who = an_identifier().identify(a_visit(address="10.41.7.9"), NOW)
    assert (who.territory.site, who.known_by) == ("tigil", "network")


def test_the_listener_places_an_address_that_no_network_has() -> None:
    who = an_identifier().identify(a_visit(address="192.0.2.1", listener="city-door"), NOW)
    assert (who.territory.region, who.known_by) == ("city", "listener")


def test_the_default_region_takes_whom_nothing_places() -> None:
    who = an_identifier(default_region="city").identify(a_visit(address="192.0.2.1"), NOW)
    assert (who.territory.region, who.known_by) == ("city", "default")


def test_without_a_default_region_a_stranger_gets_everything_unchanged_and_no_cookie() -> None:
    who = an_identifier().identify(a_visit(address="192.0.2.1", **PAGE_HEADERS), NOW)
    assert who.territory is UNKNOWN
    assert who.territory.policy.observe
    assert who.set_cookie is None


def test_trusted_headers_go_before_everything_and_only_from_a_trusted_front() -> None:
    headers = {"x_region": "city", "address": "10.41.7.9"}
    identifier = an_identifier()
    assert identifier.identify(a_visit(trusted=True, **headers), NOW).known_by == "header"
    assert identifier.identify(a_visit(trusted=False, **headers), NOW).known_by == "network"


def test_a_header_that_names_no_known_region_is_passed_over() -> None:
    who = an_identifier().identify(a_visit(trusted=True, x_region="atlantis", address="10.41.7.9"), NOW)
    assert who.known_by == "network"


def test_the_login_table_places_a_teacher_who_travels() -> None:
    who = an_identifier().identify(a_visit(trusted=True, x_user="olga", address="192.0.2.1"), NOW)
    assert (who.territory.site, who.known_by) == ("tigil", "login")


def test_the_learners_own_pick_goes_before_the_network() -> None:
    identifier = an_identifier()
    cookie = own_cookie(identifier.choose_place(a_visit(), "city", "", NOW))
    assert identifier.identify(a_visit(Cookie=cookie, address="10.41.7.9"), NOW).known_by == "choice"


def test_a_place_that_is_not_selectable_can_not_be_picked() -> None:
    identifier = an_identifier()
    assert identifier.choose_place(a_visit(), "koryak", "", NOW) is None
    assert identifier.choose_place(a_visit(), "atlantis", "", NOW) is None


def test_a_pick_is_dropped_when_the_place_is_no_longer_selectable() -> None:
    cookie = own_cookie(an_identifier().choose_place(a_visit(), "city", "", NOW))
    closed = a_catalogue(KORYAK, replace(CITY, selectable=False), origins=(SESSIONED,))
    assert Identifier(closed, SECRET).identify(a_visit(Cookie=cookie), NOW).known_by == "network"


# -- who -------------------------------------------------------------------------------------------------------


def test_a_trusted_login_makes_the_same_learner_everywhere_and_is_not_readable() -> None:
    identifier = an_identifier()
    here = identifier.identify(a_visit(trusted=True, x_user="olga"), NOW)
    there = identifier.identify(a_visit(trusted=True, x_user="olga", Cookie="MoodleSession=a"), NOW)
    assert here.learner == there.learner
    assert here.learner_by == "header"
    assert re.fullmatch("[0-9a-f]{20}", here.learner)


def test_two_moodle_sessions_are_two_learners_on_one_pc() -> None:
    identifier = an_identifier()
    first = identifier.identify(a_visit(Cookie="MoodleSessionlms=aaa; theme=x"), NOW)
    second = identifier.identify(a_visit(Cookie="theme=x; MoodleSessionlms=bbb"), NOW)
    assert first.learner_by == second.learner_by == "session"
    assert first.learner != second.learner


def test_the_session_of_another_origin_is_another_learner() -> None:
    other = replace(SESSIONED, id="lms2")
    identifier = an_identifier()
    cookie = "MoodleSession=a"
    assert (
        identifier.identify(a_visit(Cookie=cookie), NOW).learner
        != identifier.identify(a_visit(Cookie=cookie, origin=other), NOW).learner
    )


@pytest.mark.parametrize("cookie", ["MoodleSession=", "MoodleSession=deleted", "XMoodleSession=a", ""])
def test_what_is_no_session_makes_no_learner(cookie: str) -> None:
    assert an_identifier().identify(a_visit(Cookie=cookie, address="10.41.7.9"), NOW).learner_by == "site"


def test_another_installation_knows_the_same_session_by_another_id() -> None:
    catalogue = a_catalogue(KORYAK, origins=(SESSIONED,))
    visit = a_visit(Cookie="MoodleSession=a")
    ids = {Identifier(catalogue, secret).identify(visit, NOW).learner for secret in (b"a" * 32, b"b" * 32)}
    assert len(ids) == 2


def test_a_school_is_one_pseudo_learner_and_a_region_is_not() -> None:
    identifier = an_identifier()

    def learner(address: str) -> tuple[str, str]:
        who = identifier.identify(a_visit(address=address), NOW)
        return who.learner, who.learner_by

    assert learner("10.41.7.1") == learner("10.41.7.2")
    assert learner("10.41.7.1")[1] == "site"
    assert learner("10.41.8.1") != learner("10.41.8.2")
    assert learner("10.41.8.1")[1] == "address"


def test_a_first_page_brings_a_cookie_by_which_the_learner_is_known_from_then_on() -> None:
    identifier = an_identifier()
    first = identifier.identify(a_visit(**PAGE_HEADERS), NOW)
    again = identifier.identify(a_visit(Cookie=own_cookie(first.set_cookie), **PAGE_HEADERS), NOW)
    assert first.learner == again.learner
    assert again.learner_by == "cookie"
    assert again.set_cookie is None


def test_two_browsers_behind_one_address_get_two_identities() -> None:
    identifier = an_identifier()
    visit = a_visit(**PAGE_HEADERS)
    assert identifier.identify(visit, NOW).learner != identifier.identify(visit, NOW).learner


def test_a_picture_a_tunnel_and_a_known_session_bring_no_cookie() -> None:
    identifier = an_identifier()
    assert identifier.identify(a_visit(Sec_Fetch_Dest="image"), NOW).set_cookie is None
    assert identifier.identify(a_visit(Cookie="MoodleSession=a", **PAGE_HEADERS), NOW).set_cookie is None
    assert identifier.identify(a_visit(mode=Mode.TUNNEL, **PAGE_HEADERS), NOW).set_cookie is None
    assert identifier.identify(a_visit(mode=Mode.FORWARD, origin=None, **PAGE_HEADERS), NOW).set_cookie is None


def test_the_cookie_is_host_bound_over_https_and_plain_over_http() -> None:
    identifier = an_identifier()
    secure = identifier.identify(a_visit(**PAGE_HEADERS), NOW).set_cookie or ""
    plain = identifier.identify(a_visit(scheme="http", **PAGE_HEADERS), NOW).set_cookie or ""
    assert secure.startswith("__Host-tropa=")
    assert {"Secure", "Path=/", "HttpOnly", "SameSite=Lax"} <= set(secure.split("; "))
    assert plain.startswith("tropa=")
    assert "Secure" not in plain


def test_a_plain_cookie_planted_over_http_means_nothing_over_https() -> None:
    identifier = an_identifier()
    plain = own_cookie(identifier.identify(a_visit(scheme="http", **PAGE_HEADERS), NOW).set_cookie)
    assert identifier.identify(a_visit(Cookie=plain), NOW).learner_by == "address"


def test_every_changed_character_of_the_cookie_makes_it_worthless() -> None:
    identifier = an_identifier()
    cookie = own_cookie(identifier.choose_place(a_visit(), "city", "", NOW))
    name, _, value = cookie.partition("=")
    for place in range(len(value)):
        forged = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        assert identifier.identify(a_visit(Cookie=f"{name}={forged}"), NOW).known_by == "network", place


def test_a_cookie_ends_at_its_time_even_where_the_browser_keeps_it() -> None:
    identifier = an_identifier()
    cookie = own_cookie(identifier.identify(a_visit(**PAGE_HEADERS), NOW).set_cookie)
    last = NOW + LIFETIME - timedelta(seconds=1)
    assert identifier.identify(a_visit(Cookie=cookie), last).learner_by == "cookie"
    assert identifier.identify(a_visit(Cookie=cookie), last + timedelta(minutes=2)).learner_by == "address"


def test_a_cookie_past_its_half_life_is_renewed_with_the_same_identity() -> None:
    identifier = an_identifier()
    first = identifier.identify(a_visit(**PAGE_HEADERS), NOW)
    later = NOW + LIFETIME * 0.6
    again = identifier.identify(a_visit(Cookie=own_cookie(first.set_cookie), **PAGE_HEADERS), later)
    assert again.learner == first.learner
    renewed = own_cookie(again.set_cookie)
    assert identifier.identify(a_visit(Cookie=renewed), NOW + LIFETIME * 1.3).learner == first.learner


def test_logout_ends_the_identity_and_keeps_place_and_language_of_the_pc() -> None:
    identifier = an_identifier()
    picked = own_cookie(identifier.choose_place(a_visit(), "city", "", NOW))
    spoken = own_cookie(identifier.choose_language(a_visit(Cookie=picked), "en", NOW))
    first = identifier.identify(a_visit(Cookie=spoken, **PAGE_HEADERS), NOW)
    cookie = own_cookie(first.set_cookie)
    left = own_cookie(identifier.ended(a_visit(Cookie=cookie), NOW))
    second = identifier.identify(a_visit(Cookie=left, **PAGE_HEADERS), NOW)
    assert second.learner != first.learner
    assert (second.territory.region, second.language) == ("city", "en")


def test_logout_of_a_browser_without_our_cookie_changes_nothing() -> None:
    assert an_identifier().ended(a_visit(), NOW) is None


def test_the_origins_logout_is_known_by_its_preset() -> None:
    identifier = an_identifier()
    for _ in range(2):  # remembered answers are the same
        assert identifier.is_logout(a_visit("/login/logout.php?sesskey=x"))
        assert not identifier.is_logout(a_visit("/login/index.php"))


def test_a_token_made_before_the_origin_gave_a_session_can_still_be_opened() -> None:
    identifier = an_identifier()
    first = identifier.identify(a_visit(**PAGE_HEADERS), NOW)
    both = a_visit(Cookie=own_cookie(first.set_cookie) + "; MoodleSession=a")
    assert identifier.identify(both, NOW).learner_by == "session"
    assert identifier.also_known(both, NOW) == (first.learner,)


def test_groups_are_believed_from_a_trusted_front_alone() -> None:
    identifier = an_identifier()
    groups = "teachers, , pilots"
    assert identifier.identify(a_visit(trusted=True, x_groups=groups), NOW).groups == {"teachers", "pilots"}
    assert identifier.identify(a_visit(x_groups=groups), NOW).groups == frozenset()


# -- language --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "ru"),
        ("en-US,en;q=0.9", "en"),
        ("de,en;q=0.5,ru;q=0.7", "ru"),
        ("en;q=0,ru;q=0.1", "ru"),
        ("en;q=0", "ru"),
        ("engl", "ru"),
        ("en;q=x", "ru"),
        ("de", "ru"),
        ("RU;Q=0.1, EN ;q=0.9", "en"),
    ],
)
def test_the_browsers_wish_decides_between_the_two_languages(asked: str, language: str) -> None:
    assert an_identifier().identify(a_visit(Accept_Language=asked), NOW).language == language


def test_the_learners_choice_of_language_goes_before_the_browsers() -> None:
    identifier = an_identifier()
    cookie = own_cookie(identifier.choose_language(a_visit(), "en", NOW))
    assert identifier.identify(a_visit(Cookie=cookie, Accept_Language="ru"), NOW).language == "en"
    assert identifier.choose_language(a_visit(), "de", NOW) is None


# -- tunnels ---------------------------------------------------------------------------------------------------


def test_a_tunnel_is_placed_by_its_address_and_needs_no_cookie() -> None:
    visit = a_visit(address="10.41.7.9")
    who = an_identifier().identify_tunnel({}, client=visit.client, listener="main", origin=None, now=NOW)
    assert (who.territory.site, who.learner_by) == ("tigil", "site")
