"""The words of Tropa as types.

Laws of this file: enumerations and small frozen values only; every word here is one that operators read in
YAML, in `tropa explain` and in the log, so a name is changed together with the documentation or not at all.
"""

from __future__ import annotations

from enum import StrEnum

from policies.frozen import Frozen


class Word(StrEnum):
    """A word that is looked up as quickly as a string: Enum's own hash is a function in Python."""

    __hash__ = str.__hash__


class TrafficClass(Word):
    """What a request is for; every request has exactly one."""

    CONSULTATION = "consultation"
    WEBINAR = "webinar"
    RECORDING = "recording"
    FORUM = "forum"
    LESSON = "lesson"
    ASSESSMENT = "assessment"  # quizzes, assignments, SCORM, H5P, feedback and their autosave: sacred
    GENERAL = "general"


class MediaKind(Word):
    """What a response is; every response has exactly one."""

    PAGE = "page"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    STREAM = "stream"  # HLS and DASH manifests
    DOCUMENT = "document"  # PDF and office documents
    ARCHIVE = "archive"
    FONT = "font"
    SCRIPT = "script"
    STYLE = "style"
    DATA = "data"  # JSON, XML, plain text asked for by a script
    OTHER = "other"


class Mode(Word):
    """How the exchange reached Tropa."""

    REVERSE = "reverse"
    FORWARD = "forward"  # absolute-form request to an explicit proxy: readable
    TUNNEL = "tunnel"  # CONNECT spliced undecrypted: host, clock, budget and metering only


class Audience(Word):
    """Who reads the answer, and so in what form a refusal must be."""

    PAGE = "page"  # a person's navigation: a full page
    EMBED = "embed"  # a document inside a frame: a small card
    SUBRESOURCE = "subresource"  # image, script, style, font
    MEDIA = "media"  # a media element: a bare status, never HTML
    API = "api"  # a script's fetch or XHR: problem+json
    APP = "app"  # a native app: the API's own error JSON
    SOCKET = "socket"  # a WebSocket
    TUNNEL = "tunnel"  # a CONNECT


class Place(Word):
    """Where this installation stands."""

    ORIGIN = "origin"
    CENTRE = "centre"
    SCHOOL = "school"


class CostlyHop(Word):
    """Which hop the learner's side pays for."""

    LEARNER_LINK = "learner_link"
    SITE_UPLINK = "site_uplink"
    NONE = "none"


class Store(Word):
    """Which store lies on the learner's side of the costly hop; only that one makes "fetch tonight" true."""

    NONE = "none"
    SCHOOL_BOX = "school-box"
    BROWSER = "browser"


class Direction(Word):
    DOWN = "down"
    UP = "up"


class Scope(Word):
    """Whose allowance it is."""

    LEARNER = "learner"
    SITE = "site"
    REGION = "region"


class Reason(Frozen, frozen=True, kw_only=True):
    """Why a decision is what it is: a code, its parameters and the YAML place that said so.

    rule    a code such as `window-closed`, `video-withheld`, `save-data`, known to `policies.explain`
    source  `regions.yaml:14` or `policies/catalog/text-first.yaml:8`; "" where no line of YAML said it
    params  what the sentence needs, as pairs, already plain values (str, int, float)

    The sentence is rendered at the edge, in the reader's language.
    """

    rule: str
    source: str = ""
    params: tuple[tuple[str, str | int | float], ...] = ()


class Text(Frozen, frozen=True, kw_only=True):
    """A title or a notice in both languages; an absent one falls back to the other."""

    ru: str = ""
    en: str = ""

    def in_language(self, language: str) -> str:
        """The text for "ru" or "en", or the other language's where this one is empty."""
        return (self.ru or self.en) if language == "ru" else (self.en or self.ru)
