import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.deliver.validators import Validator, adapted_etag, conditions, fingerprint, origin_validator

WAY = fingerprint("image", "w800-q30")
OTHER = fingerprint("image", "w480-q20")


def head(**fields: str) -> CIMultiDict[str]:
    return CIMultiDict({name.replace("_", "-"): value for name, value in fields.items()})


def test_the_tag_of_a_variant_becomes_the_origins_tag_again() -> None:
    tag = adapted_etag(Validator(etag='"5d41402abc"'), WAY)
    assert tag is not None and tag != '"5d41402abc"'
    mapped = conditions(head(If_None_Match=tag), way=WAY)
    assert mapped.if_none_match == '"5d41402abc"'
    assert mapped.ours == tag


def test_a_variant_of_another_way_must_not_be_confirmed() -> None:
    tag = adapted_etag(Validator(etag='"5d41402abc"'), OTHER)
    mapped = conditions(head(If_None_Match=tag or ""), way=WAY)
    assert mapped.if_none_match is None and mapped.if_modified_since is None


def test_an_origin_without_entity_tags_is_asked_by_date() -> None:
    date = "Mon, 01 Sep 2025 10:00:00 GMT"
    tag = adapted_etag(origin_validator(head(Last_Modified=date)), WAY)
    assert tag is not None and tag.startswith("W/")
    mapped = conditions(head(If_None_Match=tag), way=WAY)
    assert mapped.if_modified_since == date and mapped.if_none_match is None


def test_the_origins_own_tags_pass_beside_ours() -> None:
    ours = adapted_etag(Validator(etag='W/"v2"'), WAY)
    mapped = conditions(head(If_None_Match=f'"theirs", {ours}'), way=WAY)
    assert mapped.if_none_match == '"theirs", W/"v2"'


def test_without_a_validator_there_is_no_tag() -> None:
    assert adapted_etag(origin_validator(head(Content_Type="image/png")), WAY) is None


@pytest.mark.parametrize("rubbish", ['"t1.x"', '"t1.a.@@@"', '"t1.a.ZnJvZw"', '"t2.a.ZQ"', "t1", '"'])
def test_a_forged_tag_is_only_a_foreign_one(rubbish: str) -> None:
    mapped = conditions(head(If_None_Match=rubbish), way=WAY)
    assert mapped.ours is None


def test_if_modified_since_passes_where_no_tag_is_named() -> None:
    mapped = conditions(head(If_Modified_Since="Mon, 01 Sep 2025 10:00:00 GMT"), way=WAY)
    assert mapped.if_modified_since == "Mon, 01 Sep 2025 10:00:00 GMT"


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), max_size=100), st.booleans()
)
def test_every_entity_tag_survives_the_round_trip(opaque: str, weak: bool) -> None:
    origin = ("W/" if weak else "") + f'"{opaque}"'
    tag = adapted_etag(origin_validator(head(ETag=origin)), WAY)
    assert tag is not None and tag.startswith("W/") == weak
    assert conditions(head(If_None_Match=tag), way=WAY).if_none_match == origin


def test_fingerprints_differ_where_parts_differ() -> None:
    assert fingerprint("a", "bc") != fingerprint("ab", "c")
