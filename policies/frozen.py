"""Frozen values that are built in C: most of Tropa's.

A frozen dataclass sets each field through `object.__setattr__`: the values of one exchange have a hundred fields, which
took a sixth of its time. And its methods are written as text and compiled while its module loads, 0.3 to 2 ms a class:
370 of them took a sixth to a fifth of the processor time of a start.

Laws: such a value is a dataclass to whoever looks at it: the type checker takes it for one, so `dataclasses.replace`,
`fields` and `asdict` work; where it is quick that counts, `msgspec.structs.replace` does the same. `gc=False` only for
what can never be part of a cycle: plain values, no request, no function.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, ClassVar

from msgspec import NODEFAULT, Struct, field


class _Sample(Struct):
    made: dict[str, str] = field(default_factory=dict)


_FACTORY: Any = type(_Sample.__struct_defaults__[0])  # msgspec has no public name for it


class _Fields:
    """`__dataclass_fields__`, made when somebody asks: a class's fields aren't known yet while its body runs."""

    def __get__(self, value: object, owner: type[Struct]) -> dict[str, dataclasses.Field[Any]]:
        return _fields_of(owner)


@cache
def _fields_of(owner: type[Struct]) -> dict[str, dataclasses.Field[Any]]:
    names = owner.__struct_fields__
    defaults = dict(zip(reversed(names), reversed(owner.__struct_defaults__), strict=False))
    # By name alone: a field's type may be one that only the type checker imports.
    told = [(name, Any, _field(defaults.get(name, NODEFAULT))) for name in names]
    twin = dataclasses.make_dataclass(owner.__name__, told, kw_only=True, init=False, repr=False, eq=False)
    return {one.name: one for one in dataclasses.fields(twin)}


def _field(default: Any) -> Any:
    if default is NODEFAULT:
        return dataclasses.field()
    if isinstance(default, _FACTORY):
        return dataclasses.field(default_factory=default.factory)
    return dataclasses.field(default=default)


class Frozen(Struct, frozen=True):
    """Base of such values; subclasses say `frozen=True, kw_only=True` themselves, for the type checker."""

    __dataclass_fields__: ClassVar[Any] = _Fields()
