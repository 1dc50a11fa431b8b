from __future__ import annotations

import ast
import json
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies.explain import codes, explain_request, sentence
from policies.model import PolicyTest
from policies.policy_tests import run_policy_tests
from policies.treatments import Action, Form, Treatments, VideoTreatment
from policies.values import Mode, Reason
from tests.builders import a_catalogue, a_policy, a_territory

POLICIES = Path(__file__).parents[3] / "policies"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
VIDEO_CARD = Treatments(
    video=VideoTreatment(action=Action.CARD),
    stream=VideoTreatment(action=Action.CARD),
    embed=VideoTreatment(action=Action.CARD),
)
CATALOGUE = a_catalogue(a_territory(policy=a_policy(treatments=VIDEO_CARD, sources={"video": "policy.yaml:8"})))


def written_codes() -> set[str]:
    """Codes that appear as text in the rules, in compose and in plan."""
    found: set[str] = set()
    for path in [*POLICIES.glob("rules/*.py"), POLICIES / "plan.py", POLICIES / "compose.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in codes():
                found.add(node.value)
            if isinstance(node, ast.keyword) and node.arg == "rule" and isinstance(node.value, ast.Constant):
                found.add(str(node.value.value))
    return found


def test_every_code_that_is_written_has_a_sentence_and_every_sentence_a_code() -> None:
    by_name = {f"{kind}-withheld" for kind in ("video", "stream", "embed", "audio", "document", "archive")}
    by_name |= {f"{part}-withheld" for part in ("font", "script", "style")}
    by_name |= {f"{kind}-adapted" for kind in ("video", "stream", "audio")}
    # A manifest's own bytes say so, not the policy.
    by_what_is_read = {"ladder-nothing-fits", "ladder-rung-removed", "ladder-rung-not-made"}
    assert written_codes() | by_name | by_what_is_read == set(codes())


@pytest.mark.parametrize("code", codes())
def test_both_languages_say_the_same_parameters(code: str) -> None:
    text = codes()[code]
    fields = [{name for _, name, _, _ in string.Formatter().parse(t) if name} for t in (text.ru, text.en)]
    assert text.ru and text.en and text.ru != text.en
    assert fields[0] == fields[1]


@pytest.mark.parametrize("code", codes())
@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_sentence_without_its_parameters_is_still_one(code: str, language: str) -> None:
    text = sentence(Reason(rule=code), language)
    assert text and "{" not in text


def test_parameters_are_made_readable() -> None:
    params = (
        ("scope", "site"),
        ("amount_bytes", 300_000_000),
        ("renews_at", "2026-11-24T09:00:00+12:00"),
        ("opens_at", "2026-11-24T08:00:05+12:00"),
    )
    reason = Reason(rule="allowance-spent", params=params)
    assert sentence(reason, "en") == (
        "The allowance of 300 MB (per site) is spent; it renews 2026-11-24 09:00 +12:00; "
        "this opens: 2026-11-24 08:00:05 +12:00."
    )
    assert "на площадку" in sentence(reason, "ru")


def test_an_opening_that_isnt_in_sight_says_so() -> None:
    reason = Reason(rule="window-closed", params=(("class", "consultation"), ("when", "free"), ("opens_at", "")))
    assert "not in sight" in sentence(reason, "en")


def test_an_unknown_code_is_shown_as_itself() -> None:
    assert sentence(Reason(rule="from-the-future"), "ru") == "from-the-future"


def test_an_explanation_is_json_with_the_promised_keys() -> None:
    explained = explain_request(CATALOGUE, "https://lms.example.org/mod/chat/", region="koryak", at=NOON)
    told = json.loads(json.dumps(explained.to_json()))
    assert {"region", "site", "origin", "class", "verdict", "treatments", "reasons", "valid_until"} <= set(told)
    assert (told["region"], told["origin"], told["class"], told["verdict"]) == (
        "koryak",
        "lms",
        "consultation",
        "defer",
    )
    assert told["opens_at"] == "2026-11-24T08:00:00+12:00"
    assert set(told["reasons"][0]) == {"rule", "source", "text"}


def test_only_reasons_that_concern_the_url_are_told() -> None:
    film = explain_request(CATALOGUE, "https://lms.example.org/course/a.mp4", region="koryak", at=NOON)
    photo = explain_request(CATALOGUE, "https://lms.example.org/course/a.jpg", region="koryak", at=NOON)
    page = explain_request(CATALOGUE, "https://lms.example.org/course/", region="koryak", at=NOON)
    assert [(reason.rule, reason.source) for reason in film.reasons] == [("video-withheld", "policy.yaml:8")]
    assert photo.reasons == ()
    assert [reason.rule for reason in page.reasons] == ["video-withheld", "stream-withheld", "embed-withheld"]


def test_in_a_tunnel_it_says_what_cant_be_enforced() -> None:
    url = "https://lms.example.org/course/a.mp4"
    explained = explain_request(CATALOGUE, url, region="koryak", mode="tunnel", at=NOON, language="ru")
    assert explained.mode is Mode.TUNNEL
    assert explained.kind is None
    rules = {rule for rule, _ in explained.not_enforceable}
    assert {"video", "embed", "class-by-path"} <= rules
    assert "image" not in rules  # the policy doesn't ask for it


@pytest.mark.parametrize(("mode", "told"), [("forward", ["socket"]), ("reverse", [])])
def test_a_websocket_through_an_explicit_proxy_is_said_to_be_a_tunnel(mode: str, told: list[str]) -> None:
    explained = explain_request(CATALOGUE, "ws://lms.example.org/live", region="koryak", mode=mode, at=NOON)
    assert [rule for rule, _ in explained.not_enforceable] == told


@pytest.mark.parametrize("url", ["https://", "ftp://lms.example.org/", "https:///x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        explain_request(CATALOGUE, url, region="koryak", at=NOON)


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(LookupError):
        explain_request(CATALOGUE, "https://lms.example.org/", region="koryak", site="nowhere", at=NOON)


def a_test(url: str = "https://lms.example.org/mod/chat/", region: str = "koryak", **expected: object) -> PolicyTest:
    known: dict[str, object] = {"expect_verdict": None, "expect_class": None, "expect_treatments": {}}
    known |= expected
    return PolicyTest(url=url, region=region, site=None, at=NOON, mode="reverse", source="regions.yaml:90", **known)  # type: ignore[arg-type]


def failures(*tests: PolicyTest) -> list[str]:
    territory = CATALOGUE.territories["koryak", None]
    return [str(failed) for failed in run_policy_tests(a_catalogue(territory, tests=tests))]


def test_expectations_that_hold_say_nothing() -> None:
    holds = a_test(expect_verdict="defer", expect_class="consultation", expect_treatments={"video": "card"})
    assert failures(holds) == []


def test_an_expectation_that_doesnt_hold_names_its_place_and_both_values() -> None:
    wrong = a_test(expect_verdict="allow", expect_class="consultation", expect_treatments={"image": "card"})
    assert failures(wrong) == [
        "regions.yaml:90: https://lms.example.org/mod/chat/: verdict: expected allow, got defer",
        "regions.yaml:90: https://lms.example.org/mod/chat/: image: expected card, got keep",
    ]


@pytest.mark.parametrize(
    ("expected", "told"),
    [("slidecast", []), ("adapt", []), ("capped", ["capped, got slidecast"]), ("card", ["card, got adapt"])],
)
def test_a_film_may_be_expected_by_its_action_or_its_version(expected: str, told: list[str]) -> None:
    slides = Treatments(video=VideoTreatment(action=Action.ADAPT, form=Form.SLIDECAST))
    test = a_test(expect_treatments={"video": expected})
    catalogue = a_catalogue(a_territory(policy=a_policy(treatments=slides)), tests=(test,))
    assert [str(failed).partition("expected ")[2] for failed in run_policy_tests(catalogue)] == told


def test_a_version_isnt_expected_of_a_film_that_is_kept() -> None:
    assert failures(a_test(expect_treatments={"video": "sound"})) == [
        "regions.yaml:90: https://lms.example.org/mod/chat/: video: expected sound, got card"
    ]


def test_a_film_that_is_made_smaller_says_how() -> None:
    reason = Reason(rule="video-adapted", params=(("form", "slidecast"),))
    assert sentence(reason, "en") == "Video files are made smaller: slides with sound."
    assert sentence(reason, "ru") == "Видеофайлы становятся меньше: слайды со звуком."


def test_an_expectation_about_nowhere_fails() -> None:
    assert failures(a_test(region="atlantis", expect_verdict="allow")) == [
        "regions.yaml:90: https://lms.example.org/mod/chat/: region: expected atlantis, got no place atlantis"
    ]
