"""Frozen values that are built in C, for those that every exchange makes anew.

A frozen dataclass sets each field through `object.__setattr__`: the values of one exchange have a hundred fields, which
took a sixth of its time.

Laws: such a value is a dataclass to whoever looks at it: the type checker takes it for one, so `dataclasses.replace`,
`fields` and `asdict` work; where it is quick that counts, `msgspec.structs.replace` does the same. `gc=False` only for
what can never be part of a cycle: plain values, no request, no function.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, ClassVar

from msgspec import Struct


class _Fields:
    """`__dataclass_fields__`, made when somebody asks: a class's fields aren't known yet while its body runs."""

    def __get__(self, value: object, owner: type[Struct]) -> dict[str, dataclasses.Field[Any]]:
        return _fields_of(owner)


@cache
def _fields_of(owner: type[Struct]) -> dict[str, dataclasses.Field[Any]]:
    """Once for a class: it takes a millisecond."""
    # By name alone: a field's type may be one that only the type checker imports.
    twin = dataclasses.make_dataclass(owner.__name__, [(name, Any) for name in owner.__struct_fields__])
    return {field.name: field for field in dataclasses.fields(twin)}


class Frozen(Struct, frozen=True):
    """Base of such values; subclasses say `frozen=True, kw_only=True` themselves, for the type checker."""

    __dataclass_fields__: ClassVar[Any] = _Fields()
