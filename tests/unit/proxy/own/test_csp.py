import pytest
from multidict import CIMultiDict

from proxy.own.csp import lets_scripts_in, lets_workers_in

HOST = "lms.example.org"


def head(*policies: str) -> CIMultiDict[str]:
    return CIMultiDict([("Content-Security-Policy", policy) for policy in policies])


@pytest.mark.parametrize(
    "policies",
    [
        (),
        ("frame-ancestors 'self'",),
        ("script-src 'self' https://cdn.example.org",),
        ("default-src 'self'; img-src *",),
        ("SCRIPT-SRC 'SELF'",),
        ("script-src https://lms.example.org",),
        ("script-src-elem 'self'; script-src 'none'",),
        ("default-src 'none'; script-src 'self'",),
        ("sandbox allow-scripts; script-src *",),
    ],
)
def test_a_page_that_lets_its_own_site_in_lets_our_script_in(policies: tuple[str, ...]) -> None:
    assert lets_scripts_in(head(*policies), host=HOST)


@pytest.mark.parametrize(
    "policies",
    [
        ("script-src 'none'",),
        ("default-src 'none'",),
        ("script-src 'nonce-abc'",),
        ("script-src 'self' 'nonce-abc' 'strict-dynamic'",),
        ("script-src https://cdn.example.org",),
        ("script-src 'self'", "script-src 'nonce-abc'"),  # policies intersect, in two fields …
        ("script-src 'self', script-src 'nonce-abc'",),  # … or in one
        ("sandbox",),
        ("script-src https://other.example.org",),
    ],
)
def test_where_the_sites_own_scripts_are_kept_out_ours_stay_out_too(policies: tuple[str, ...]) -> None:
    assert not lets_scripts_in(head(*policies), host=HOST)


def test_workers_go_by_their_own_directive_first() -> None:
    assert not lets_workers_in(head("script-src 'self'; worker-src 'none'"), host=HOST)
    assert not lets_workers_in(head("script-src 'self'; child-src blob:"), host=HOST)
    assert lets_workers_in(head("script-src 'none'; worker-src 'self'"), host=HOST)
    assert lets_workers_in(head("script-src 'self'"), host=HOST)
