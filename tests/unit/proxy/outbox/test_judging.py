"""What a Moodle's answers mean for a forum post, as its preset reads them.

The answers are those of Moodle's mod/forum/post.php and of its error page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import OutboxForm
from proxy.outbox.judging import Said, Verdict, of_page, of_post

LMS = "https://lms.example.org"
USER = '<script>M.cfg = {"wwwroot":"x","sesskey":"Qq1Ww2Ee3R","siteId":1,"userId":%d};</script>'


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> OutboxForm:
    path: Path = tmp_path_factory.mktemp("judging") / "regions.yaml"
    path.write_text(
        "regions: {koryak: {timezone: Asia/Kamchatka, networks: [10.0.0.0/8], policy: open}}\n"
        "origins: {lms: {preset: moodle, hosts: [lms.example.org], upstream: 'https://lms.example.org'}}\n"
    )
    return read_catalogue(path).origins["lms"].preset.outbox[0]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said(status=303, location=f"{LMS}/mod/forum/discuss.php?d=12#p345"), Verdict.TAKEN),
        (Said(status=303, location="/mod/forum/discuss.php?d=12#p345"), Verdict.TAKEN),
        (Said(status=303, location=f"{LMS}/mod/forum/view.php?f=7"), Verdict.TAKEN),  # a new discussion
        (Said(status=303, location=f"{LMS}/mod/forum/discuss.php?d=12"), Verdict.UNKNOWN),  # locked meanwhile
        (Said(status=303, location=f"{LMS}/course/view.php?id=3"), Verdict.UNKNOWN),  # the forum was hidden
        (Said(status=303, location=f"{LMS}/enrol/index.php?id=3"), Verdict.UNKNOWN),
        (Said(status=303, location=f"{LMS}/login/index.php"), Verdict.NEEDS_LOGIN),
        (Said(status=404, page="<p>Sorry, you can't post</p>"), Verdict.REFUSED),  # an exception of Moodle's
        (Said(status=200, page="<form action=post.php>required</form>"), Verdict.REFUSED),
        (Said(status=503), Verdict.UNKNOWN),
    ],
)
def test_what_became_of_a_post(rule: OutboxForm, said: Said, verdict: Verdict) -> None:
    assert of_post(said, rule) is verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said(status=200, page=USER % 5), Verdict.TAKEN),
        (Said(status=200, page=USER % 0), Verdict.NEEDS_LOGIN),  # nobody: "log in to post"
        (Said(status=200, page=USER % 1), Verdict.NEEDS_LOGIN),  # the guest
        (Said(status=303, location=f"{LMS}/mod/forum/discuss.php?d=12"), Verdict.REFUSED),  # the form of a locked one
        (Said(status=303, location=f"{LMS}/login/index.php"), Verdict.NEEDS_LOGIN),
        (Said(status=303, location=f"{LMS}/maintenance.html"), Verdict.UNKNOWN),
        (Said(status=404), Verdict.REFUSED),
    ],
)
def test_what_a_forms_page_says(rule: OutboxForm, said: Said, verdict: Verdict) -> None:
    assert of_page(said, rule) is verdict
