"""What all sections share, and scalars with units.

Laws of this file: input is YAML whose scalars are text; a section refuses keys it doesn't know; a section that is
written but empty counts as not written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from policies import units
from policies.faults import Wrong, did_you_mean, name_cure, nearest
from policies.model import IPNetwork, Period
from policies.zones import zone

Value = TypeVar("Value")


class Nothing:
    """Stands for a key without a value, so that `price:` isn't silently no price."""


NOTHING = Nothing()


class Section(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False, arbitrary_types_allowed=True)

    @classmethod
    def longhand(cls, value: object) -> object:
        """The mapping that a section's short form stands for; other values as they are."""
        return value

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        value = cls.longhand(value)
        if isinstance(value, Mapping):
            nested, scalars = _nested_keys(cls), _scalar_keys(cls)
            kept = {key: item for key, item in value.items() if item is not None or key not in nested}
            return {key: NOTHING if item is None and key in scalars else item for key, item in kept.items()}
        return value


@cache
def _nested_keys(model: type[Section]) -> frozenset[str]:
    """The keys that hold sections, lists or mappings."""
    return frozenset(field.alias or name for name, field in model.model_fields.items() if _is_nested(field.annotation))


@cache
def _scalar_keys(model: type[Section]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items()) - _nested_keys(model)


def _is_nested(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return get_origin(annotation) in (dict, list, tuple) or any(_is_nested(part) for part in get_args(annotation))


def described(value: object) -> str:
    """A value in a fault's words."""
    if value is None or value is NOTHING:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else repr(value)


_WRITE_ONE = "write one, or take the key out"
_ALONE = "write the name alone, no port or path"
_BOOK_QUOTES = "“”„«'‘"  # what an office program makes of "


def scalar(parse: Callable[[str], Value], wish: str) -> BeforeValidator:
    """Reads one scalar by a function that raises Wrong."""

    def read(value: object) -> Value:
        if not isinstance(value, str):
            raise Wrong(f"expected {wish}, got {described(value)}", _WRITE_ONE)
        return parse(value)

    return BeforeValidator(read)


def _text_schema(example: str, pattern: str | None = None) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "examples": [example]}
    if pattern:
        schema["pattern"] = pattern
    return WithJsonSchema(schema)


def _number_or_text(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "number"], "examples": [example]})


def _plain(text: str) -> str:
    return text


def _parse_percent_key(text: str) -> str:
    units.parse_percent(text)
    return text


def _parse_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise Wrong(f"{text!r} can't be a name here", name_cure(text))
    return text


def _parse_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/\S*)?", text):
        cure = "write plain quotes" if text[:1] in _BOOK_QUOTES else "begin it with https://, and write no spaces"
        raise Wrong(f"expected an address like https://lms.example.org, got {_shown(text)!r}", cure)
    return text


def _shown(text: str) -> str:
    """The address without a password: faults stand in logs."""
    return re.sub(r"(?<=//)[^/?#\s]*@", "***@", text)


def _parse_upstream(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+/?", text):
        raise Wrong(
            f"expected an address like http://127.0.0.1:8081, got {_shown(text)!r}", "write scheme, host and port only"
        )
    return text.rstrip("/")


def _parse_host(text: str) -> str:
    host = text.strip().lower().rstrip(".")
    if not re.fullmatch(r"(\*\.)?[^\s/:*?#@\[\]]+|\[?[0-9a-f:.]+\]?", host):
        raise Wrong(f"expected a host name like lms.example.org, got {text!r}", _ALONE)
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise Wrong(f"expected a host name like lms.example.org, got {text!r}", _ALONE) from None


def _parse_href(text: str) -> str:
    if not text.startswith("/") or text.startswith("//") or re.search(r"\s", text):
        raise Wrong(f"expected a path on the same site like /mod/forum/, got {text!r}", "begin with one /")
    return text


def _parse_header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise Wrong(f"expected a header name like X-Region, got {text!r}", "write Latin letters, digits and -")
    return text.lower()


def _parse_quality(text: str) -> int:
    quality = units.parse_count(text)
    if not 1 <= quality <= 100:
        raise Wrong(f"expected a quality from 1 to 100, got {text!r}", "write one like 60")
    return quality


def word(*words: str) -> BeforeValidator:
    """One of a few words, with a cure for misspelt ones; for use with Literal or an enumeration."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise Wrong(f"expected one of {', '.join(words)}, got {described(value)}", _WRITE_ONE)
        if value not in words:
            cure = did_you_mean(value, words) if nearest(value, words) else "write one of them"
            raise Wrong(f"expected one of {', '.join(words)}, got {value!r}", cure)
        return value

    return BeforeValidator(read)


def listed(value: object) -> object:
    """A single value where a list may stand is a list of one."""
    return [value] if isinstance(value, (str, Mapping)) else value


Listed = BeforeValidator(listed)

Line = Annotated[str, scalar(_plain, "a text")]
Id = Annotated[str, scalar(_parse_id, "a name"), WithJsonSchema({"type": "string"})]
Truth = Annotated[bool, scalar(units.parse_truth, "true or false"), WithJsonSchema({"type": "boolean"})]
Count = Annotated[int, scalar(units.parse_count, "a whole number"), WithJsonSchema({"type": "integer"})]
Rate = Annotated[int, scalar(units.parse_rate_bps, "a speed like 256 kbit/s"), _text_schema("256 kbit/s")]
Bytes = Annotated[int, scalar(units.parse_bytes, "a size like 300 MB"), _text_schema("300 MB")]
Seconds = Annotated[float, scalar(units.parse_seconds, "a duration like 10 min"), _text_schema("10 min")]
Milliseconds = Annotated[int, scalar(units.parse_milliseconds, "a duration like 700 ms"), _text_schema("700 ms")]
Pixels = Annotated[int, scalar(units.parse_pixels, "a width like 800 px"), _number_or_text("800 px")]
Quality = Annotated[int, scalar(_parse_quality, "a quality from 1 to 100"), WithJsonSchema({"type": "integer"})]
Share = Annotated[float, scalar(units.parse_share, "a share like 1/3"), _number_or_text("1/3")]
PercentKey = Annotated[str, scalar(_parse_percent_key, "a part like 80 %"), _text_schema("80 %")]
Overhead = Annotated[float, scalar(units.parse_overhead, "an overhead like 6 %"), _number_or_text("6 %")]
Price = Annotated[
    tuple[Decimal, str], scalar(units.parse_price, "a price like 0.40 RUB/MB"), _text_schema("0.40 RUB/MB")
]
Clock = Annotated[int, scalar(units.parse_clock, "a time like 18:00"), _text_schema("18:00")]
PeriodWord = Annotated[Period, scalar(units.parse_period, "day, week or month"), _text_schema("day")]
Network = Annotated[IPNetwork, scalar(units.parse_network, "a network like 10.41.0.0/16"), _text_schema("10.41.0.0/16")]
Address = Annotated[
    tuple[str, int], scalar(units.parse_address, "an address like 127.0.0.1:8101"), _text_schema("127.0.0.1:8101")
]
Host = Annotated[str, scalar(_parse_host, "a host name"), _text_schema("lms.example.org")]
Url = Annotated[str, scalar(_parse_url, "an address like https://lms.example.org/"), _text_schema("https://…")]
Upstream = Annotated[str, scalar(_parse_upstream, "an address like http://127.0.0.1:8081"), _text_schema("http://…")]
Href = Annotated[str, scalar(_parse_href, "a path like /mod/forum/"), _text_schema("/mod/forum/")]
HeaderName = Annotated[str, scalar(_parse_header, "a header name"), _text_schema("X-Region")]
Zone = Annotated[Any, scalar(zone, "a time zone like Asia/Kamchatka"), _text_schema("Asia/Kamchatka")]


class TextSection(Section):
    """A text in both languages; a single text stands for the language it is written in."""

    ru: Line = ""
    en: Line = ""

    @classmethod
    def longhand(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return {"ru" if re.search("[а-яёА-ЯЁ]", value) else "en": value}
