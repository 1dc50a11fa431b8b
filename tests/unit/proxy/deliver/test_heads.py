from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict

from proxy.deliver.heads import Said, adapted, add_vary, end_to_end, has_directive, long_lived, private_freshness, said

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_hop_by_hop_fields_stay_behind_and_so_do_those_that_connection_names() -> None:
    head = CIMultiDict(
        [
            ("Connection", "close, X-Secret-Hop"),
            ("X-Secret-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Proxy-Authenticate", "Basic"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Via", "1.1 front"),
        ]
    )
    kept = end_to_end(head, via="1.1 tropa")
    assert list(kept.items()) == [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Via", "1.1 front"),
        ("Via", "1.1 tropa"),
    ]


def test_a_changed_body_loses_what_spoke_of_the_old_one() -> None:
    head = CIMultiDict(
        {
            "Content-Type": "image/jpeg",
            "Content-Length": "10",
            "ETag": '"x"',
            "Last-Modified": "Mon, 01 Sep 2025 10:00:00 GMT",
            "Accept-Ranges": "bytes",
            "Content-Digest": "sha-256=:x:",
            "Content-MD5": "x",
            "Cache-Control": "public, max-age=60, immutable",
            "Vary": "Cookie, accept",
        }
    )
    got = adapted(head, content_type="image/webp", etag='"t1.a.b"', now=NOW, valid_until=None)
    assert dict(got) == {
        "Content-Type": "image/webp",
        "ETag": '"t1.a.b"',
        "Cache-Control": "private, max-age=60",
        "Vary": "Cookie, accept, Accept-Encoding, Save-Data",
    }


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("public, max-age=7776000, immutable", "private, max-age=86400"),
        ("private, max-age=21600, no-transform", "private, max-age=21600"),
        ("no-store, max-age=5", "private, no-store"),
        ("no-cache", "private, no-cache"),
        ("", "private, no-cache"),
        ("max-age=-1", "private, no-cache"),
        ("max-age=99999999999999999999", "private, max-age=86400"),
    ],
)
def test_an_adapted_response_is_private_and_never_immutable(cache_control: str, expected: str) -> None:
    assert private_freshness(cache_control, now=NOW, valid_until=None) == expected


def test_freshness_ends_where_the_decision_does() -> None:
    soon = NOW + timedelta(seconds=90)
    assert private_freshness("max-age=3600", now=NOW, valid_until=soon) == "private, max-age=90"
    assert private_freshness("max-age=3600", now=NOW, valid_until=NOW - timedelta(1)) == "private, max-age=0"


def test_vary_star_says_all_there_is_to_say() -> None:
    head = CIMultiDict({"Vary": "*"})
    add_vary(head, ("Accept",))
    assert head.getall("Vary") == ["*"]


def test_directives_are_read_over_several_lines_and_in_any_case() -> None:
    head = CIMultiDict([("Cache-Control", "private"), ("Cache-Control", "No-Transform")])
    assert has_directive(head, "no-transform")
    assert not has_directive(head, "no-store")


def test_static_revisions_are_long_lived() -> None:
    assert long_lived(CIMultiDict({"Cache-Control": "public, max-age=7776000"}))
    assert long_lived(CIMultiDict({"Cache-Control": "immutable"}))
    assert not long_lived(CIMultiDict({"Cache-Control": "max-age=60"}))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], Said(no_transform=False, private=False, lasting=False)),
        (["no-store"], Said(no_transform=False, private=True, lasting=False)),
        (["private, max-age=7200", "No-Transform"], Said(no_transform=True, private=True, lasting=True)),
        (["public, max-age=60"], Said(no_transform=False, private=False, lasting=False)),
        (["immutable"], Said(no_transform=False, private=False, lasting=True)),
    ],
)
def test_what_cache_control_says_is_told_at_once(lines: list[str], expected: Said) -> None:
    assert said(CIMultiDict([("Cache-Control", line) for line in lines])) == expected
