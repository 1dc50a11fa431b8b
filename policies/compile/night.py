"""What a place fetches in the free hours, the accounts that it is fetched by, and who takes letters about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from policies.compile.reach import Reached
from policies.compile.spot import Spot
from policies.faults import FaultList, did_you_mean
from policies.model import Follow, Mail, Night, Origin, Service, Settings
from policies.schema.night import MailSection, NightSection
from policies.schema.origin import OriginSection

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def compile_night(section: NightSection | None, spot: Spot) -> Night:
    """What was written; without a section only what learners ask for is fetched."""
    if section is None:
        return Night()
    follow = tuple(
        Follow(
            origin=item.origin,
            course=item.course,
            what=frozenset(item.what),
            ahead=item.ahead,
            source=spot.at("follow", index).source,
        )
        for index, item in enumerate(section.follow)
    )
    return Night(
        follow=follow,
        often_bytes=section.often,
        limit_bytes=section.limit,
        rate_share=section.rate_share,
        concurrency=section.concurrency,
        report_to=tuple(section.report_to),
        source=spot.source,
    )


def compile_service(section: OriginSection, spot: Spot, folder: Path) -> Service | None:
    """folder: where a relative path begins. The file is read when it is needed, never here."""
    if section.service is None:
        return None
    if section.upstream is None:
        spot.at("service").fault("an account needs to know where the origin is", "add upstream:")
    host = next((name for name in section.hosts if "*" not in name), None)
    if section.service.site is None and host is None:
        spot.at("service").fault("an account needs to know where learners find the origin", "add site: https://…")
    site = section.service.site or f"https://{host}{section.mount.rstrip('/')}"
    file = str(folder / section.service.token_file)
    return Service(kind=section.service.kind, site=site.rstrip("/"), token_file=file)


def compile_mail(section: MailSection | None, spot: Spot, folder: Path) -> Mail | None:
    if section is None:
        return None
    found = re.fullmatch(r"\[?([^\s\[\]/@]+?)\]?:(\d{1,5})", section.smtp)
    if found is None or not 0 < int(found[2]) < 65536:
        spot.at("smtp").fault(f"expected host:port like smtp.school.example:587, got {section.smtp!r}", "add the port")
        return None
    if (section.user is None) != (section.password_file is None):
        spot.fault("has only half of a login", "write both user: and password_file:, or neither")
    if section.tls == "none" and section.user is not None and found[1] not in _LOOPBACK:
        spot.at("tls").fault("the password would go out readable", "write starttls or tls")
    return Mail(
        host=found[1],
        port=int(found[2]),
        sender=section.sender,
        tls=section.tls,
        user=section.user,
        password_file=str(folder / section.password_file) if section.password_file else None,
    )


def report_nights(
    places: list[Reached],
    origins: Mapping[str, Origin],
    names: frozenset[str],
    settings: Settings,
    faults: FaultList,
) -> None:
    """What a place follows must be there, and within reach of an account. names: of all origins, faulty ones too."""
    for reached in places:
        spot, night = Spot(reached.keys, faults, ("night",)), reached.territory.night
        for index, follow in enumerate(night.follow):
            _report_follow(follow, spot.at("follow", index, "origin"), origins, names)
        if night.report_to and settings.mail is None:
            spot.at("report_to").warn("nobody takes letters", "add tropa.mail:")


def _report_follow(follow: Follow, spot: Spot, origins: Mapping[str, Origin], names: frozenset[str]) -> None:
    if follow.origin not in names:
        spot.fault(f"unknown origin {follow.origin}", did_you_mean(follow.origin, names) or "add it under origins:")
    elif follow.origin in origins and origins[follow.origin].service is None:
        spot.fault(f"the origin {follow.origin} has no service account", f"add origins.{follow.origin}.service:")
