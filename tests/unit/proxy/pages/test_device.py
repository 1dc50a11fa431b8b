import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import OwnStore, PathRule
from policies.values import TrafficClass
from proxy.pages.device import (
    MAX_PAGE_BYTES,
    MAX_WORKER_BYTES,
    SCRIPTS,
    browser_paths,
    device_script,
    script_href,
    undoing_script,
    worker_script,
)
from tests.builders import an_origin

SHIPPED = read_catalogue(Path(__file__).resolve().parents[4] / "regions.yaml")
MOODLE = replace(SHIPPED.origins["course"], own_store=OwnStore(enabled=True))
ASSESSMENT = [
    rule.pattern for rule in MOODLE.preset.rules if rule.traffic_class is TrafficClass.ASSESSMENT and not rule.query
]


def told(language: str = "ru") -> dict[str, object]:
    first = worker_script(MOODLE, language).body.decode().partition(";\n")[0]
    return dict(json.loads(first.removeprefix("const TROPA=")))


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_worker_is_at_most_ten_kilobytes_as_it_is_served(language: str) -> None:
    assert len(worker_script(MOODLE, language).body) <= MAX_WORKER_BYTES


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_beside_it_is_at_most_six_kilobytes(name: str, language: str) -> None:
    assert len(device_script(name, language).body) <= MAX_PAGE_BYTES


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_speaks_its_readers_language(name: str) -> None:
    russian, english = (device_script(name, language).body.decode() for language in ("ru", "en"))
    assert re.search("[а-яё]", russian) and not re.search("[а-яё]", english)
    assert script_href(name, "ru") != script_href(name, "en")


def test_comments_and_indentation_stay_here_and_no_statement_goes_with_them() -> None:
    served = worker_script(MOODLE, "en").body.decode()
    assert "//" not in re.sub(r'"[^"\n]*"|/\^[^\n]*?/[.)]', "", served.partition(";\n")[2])
    assert served.count("self.addEventListener") == 4


def test_the_worker_names_where_answers_count_where_logins_end_and_what_it_needs() -> None:
    sacred, logout = re.compile(str(told()["sacred"])), re.compile(str(told()["logout"]))
    assert all(sacred.search(path) for path in ("/mod/quiz/attempt.php", "/mod/scorm/player.php", "/h5p/embed.php"))
    assert sacred.search("/pluginfile.php/12/mod_quiz/x.png")
    assert not any(sacred.search(path) for path in ("/mod/page/view.php", "/course/view.php", "/mod/forum/view.php"))
    assert logout.search("/login/logout.php") and not logout.search("/login/index.php")
    assert "/.tropa/store/offline?l=ru" in told()["shell"]  # type: ignore[operator]


@pytest.mark.parametrize("path", ["/mod/quiz/view.php", "/mod/page/view.php", "/a/mod/quiz/", "/question/x", "/h5p"])
def test_a_browser_reads_the_paths_as_the_policy_does(path: str) -> None:
    expected = any(pattern.search(path) for pattern in ASSESSMENT)
    assert bool(re.search(browser_paths(ASSESSMENT), path)) is expected


def test_a_path_that_browsers_cannot_read_keeps_the_worker_out_of_everything() -> None:
    assert browser_paths([re.compile(r"^/a(?P<x>b)\Z"), re.compile(r"^/c\Z")]) == "^"
    rule = PathRule(pattern=re.compile(r"(?i:^/exam/).*\Z"), traffic_class=TrafficClass.ASSESSMENT)
    body = worker_script(replace(an_origin(rules=(rule,)), own_store=OwnStore(enabled=True)), "en").body
    assert b'"sacred":"^"' in body


def test_no_paths_match_nothing() -> None:
    assert re.search(browser_paths([]), "/anything") is None


def test_what_takes_everything_away_needs_no_words_and_keeps_nothing() -> None:
    body = undoing_script().body
    assert b"unregister" in body and b"deleteDatabase" in body and b"respondWith" not in body
