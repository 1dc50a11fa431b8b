"""Fetching in the free hours: what a place follows, within which limits, and by whose account."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from policies.faults import Wrong
from policies.model import Followed
from policies.schema.base import Bytes, Count, Id, Line, Listed, Section, Share, Url, scalar, word

_MAX_CONCURRENCY = 8  # a thin link gains nothing by more, and the origin is somebody's only server
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)


def _parse_concurrency(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _MAX_CONCURRENCY:
        raise Wrong(f"expected a number from 1 to {_MAX_CONCURRENCY}, got {text!r}", "write one like 2")
    return int(text)


def _parse_email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise Wrong(f"expected an address like it@school.example, got {text!r}", "write the address alone")
    return text


Email = Annotated[str, scalar(_parse_email, "an address like it@school.example")]
Concurrency = Annotated[int, scalar(_parse_concurrency, "a number from 1 to 8")]


class ServiceSection(Section):
    """The institute's own account at an origin: used at night alone, never a learner's login."""

    kind: Annotated[Literal["moodle"], word("moodle")] = Field(
        default="moodle", description="What it speaks: moodle (its web services)."
    )
    site: Url | None = Field(
        default=None, description="The portal as learners type it; left out: https:// and its first host."
    )
    token_file: Line = Field(
        description="File (mode 0600) with the account's token; relative paths begin at the folder of regions.yaml."
    )


class FollowSection(Section):
    """A course whose new parts are fetched before anybody asks."""

    origin: Id = Field(description="The origin that has the course; it needs a service account.")
    course: Count = Field(description="The course's number there, as in /course/view.php?id=5.")
    what: Annotated[list[Annotated[Followed, word(*Followed)]], Listed] = Field(
        default=list(Followed),
        description="sections: pictures of pages; files: documents laid out; forums: what new posts carry; "
        "recordings: films, sound and recorded webinars, as slides with sound or as the policy says.",
    )
    ahead: Count = Field(default=2, description="How many sections after the current one; 0: the current one alone.")


class NightSection(Section):
    """What is fetched in the free hours (tariff.free) to a store on the learners' side of the costly hop."""

    follow: Annotated[list[FollowSection], Listed] = Field(default=[], description="Courses that are followed.")
    often: Bytes = Field(default=0, description="At most so much a night of what is opened often here; 0: none.")
    limit: Bytes | None = Field(default=None, description="At most so much a night in all; left out: as much as fits.")
    rate_share: Share = Field(default=0.8, description="The part of the link's speed that it may fill, as 4/5.")
    concurrency: Concurrency = Field(default=2, description="How many things at once, 1 to 8.")
    report_to: Annotated[list[Email], Listed] = Field(
        default=[], description="Who gets the morning's report by mail (tropa.mail)."
    )


class MailSection(Section):
    """The post office that takes Tropa's letters."""

    smtp: Line = Field(description="host:port, as smtp.school.example:587.")
    sender: Email = Field(alias="from", description="The address that letters come from.")
    tls: Annotated[Literal["starttls", "tls", "none"], word("starttls", "tls", "none")] = Field(
        default="starttls",
        description="starttls, tls (from the first byte), or none for a post office on this machine.",
    )
    user: Line | None = Field(default=None, description="Its login, where it wants one.")
    password_file: Line | None = Field(
        default=None, description="File (mode 0600) with the password; relative paths begin at the folder."
    )


__all__ = ["FollowSection", "MailSection", "NightSection", "ServiceSection"]
