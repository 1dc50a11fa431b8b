"""Every section of regions.yaml, of policies and of presets, key by key: the table a reference page is made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from policies.schema.files import RegionsFile
from policies.schema.origin import PresetSection


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReference:
    """One key.

    words    the words that its value may be; () where it is another kind of value
    example  a value as it is written; "" where words or the description say it
    section  the name of the section that stands below it, "" for a plain value
    many     "list" or "names" where several such values stand below it, else ""
    """

    key: str
    description: str
    words: tuple[str, ...] = ()
    example: str = ""
    section: str = ""
    many: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionReference:
    """One section, described once however often it is used."""

    name: str
    description: str
    keys: tuple[KeyReference, ...]


def sections() -> tuple[SectionReference, ...]:
    """regions.yaml first, then each section in the order in which it is met; the preset's file last."""
    found: dict[type[BaseModel], None] = {}
    for root in (RegionsFile, PresetSection):
        _collect(root, found)
    return tuple(_section(model) for model in found)


def _collect(model: type[BaseModel], found: dict[type[BaseModel], None]) -> None:
    if model in found:
        return
    found[model] = None
    for field in model.model_fields.values():
        for below, _ in _below(field.annotation):
            _collect(below, found)


def _section(model: type[BaseModel]) -> SectionReference:
    return SectionReference(name=_name(model), description=inspect.getdoc(model) or "", keys=tuple(_keys(model)))


def _name(model: type[BaseModel]) -> str:
    return "regions.yaml" if model is RegionsFile else model.__name__.removesuffix("Section").lower()


def _keys(model: type[BaseModel]) -> Iterator[KeyReference]:
    for name, field in model.model_fields.items():
        below = next(_below(field.annotation), None)
        words = () if below is not None and below[1] else _words(field.annotation)
        yield KeyReference(
            key=field.alias or name,
            description=field.description or "",
            words=words,
            example="" if words else _example(field.metadata) or _example_inside(field.annotation),
            section=_name(below[0]) if below is not None else "",
            many=below[1] if below is not None else "",
            required=field.is_required(),
        )


def _below(annotation: Any, many: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """The sections inside a type, and whether they stand in a list or below names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, many
        return
    origin = get_origin(annotation)
    inside = "names" if origin is dict else "list" if origin is list else many
    for part in get_args(annotation):
        yield from _below(part, inside)


def _words(annotation: Any) -> tuple[str, ...]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(word.value) for word in annotation)
    if annotation is bool:
        return ("true", "false")
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation) if word)
    return tuple(dict.fromkeys(word for part in get_args(annotation) for word in _words(part)))


def _example(metadata: Any) -> str:
    """The first example that a JSON Schema beside a type names."""
    for item in metadata:
        examples = (getattr(item, "json_schema", None) or {}).get("examples")
        if examples:
            return str(examples[0])
    return ""


def _example_inside(annotation: Any) -> str:
    for part in (annotation, *get_args(annotation)):
        found = _example(getattr(part, "__metadata__", ()))
        if not found and part is not annotation:
            found = _example_inside(part)
        if found:
            return found
    return ""
