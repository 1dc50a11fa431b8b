"""Values built in C are dataclasses to whoever looks at them."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from msgspec import structs

from policies.facts import RequestFacts, ResponseFacts

FACTS = RequestFacts(region="koryak", host="lms.test", path="/a")


def test_a_value_is_changed_as_a_dataclass_is() -> None:
    changed = dataclasses.replace(FACTS, path="/b")
    assert (changed.path, changed.host, FACTS.path) == ("/b", "lms.test", "/a")
    assert changed == structs.replace(FACTS, path="/b")


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError):
        dataclasses.replace(FACTS, colour="red")  # type: ignore[call-arg]


def test_its_fields_are_told_in_their_order() -> None:
    names = [field.name for field in dataclasses.fields(FACTS)]
    assert names[:3] == ["region", "site", "learner"]
    assert list(dataclasses.asdict(FACTS)) == names


def test_its_fields_tell_their_defaults() -> None:
    told = {field.name: field for field in dataclasses.fields(ResponseFacts)}
    assert told["status"].default is dataclasses.MISSING
    assert told["headers"].default_factory is dict
    assert told["length_bytes"].default is None


def test_it_is_frozen_equal_by_value_and_travels_between_processes() -> None:
    with pytest.raises(AttributeError):
        FACTS.path = "/c"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(FACTS)) == FACTS
    assert hash(FACTS) == hash(dataclasses.replace(FACTS))


def test_values_with_a_container_of_their_own_do_not_share_it() -> None:
    one, other = ResponseFacts(status=200), ResponseFacts(status=200)
    assert one.headers == {} and one.headers is not other.headers
