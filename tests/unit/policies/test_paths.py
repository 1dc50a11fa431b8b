"""What a path means, and that a class of the shipped Moodle preset is neither hidden nor claimed by its spelling."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.classify import classify, is_edited, is_logout, is_player
from policies.exceptions import matching
from policies.load import read_catalogue
from policies.model import Catalogue
from policies.paths import meant
from policies.values import TrafficClass
from tests.builders import a_request

REGIONS = """
origins:
  lms: {title: {ru: Портал, en: Portal}, hosts: [lms.test], upstream: "http://lms", preset: moodle, mount: MOUNT}
regions:
  r: {title: {ru: Р, en: R}, timezone: Europe/Moscow, networks: [10.0.0.0/8], policy: open,
      exceptions: [{path: /course/, policy: text-first}]}
"""


@cache
def portal(mount: str = "/") -> Catalogue:
    with TemporaryDirectory() as folder:
        file = Path(folder, "regions.yaml")
        file.write_text(REGIONS.replace("MOUNT", mount))
        return read_catalogue(file)


def class_of(path: str, mount: str = "/", method: str = "GET") -> TrafficClass:
    catalogue = portal(mount)
    origin = catalogue.origins["lms"]
    return classify(catalogue, origin, a_request(path, host="lms.test", origin="lms", method=method)).traffic_class


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/mod/quiz/view.php", "/mod/quiz/view.php"),
        ("/mod/quiz/%70rocessattempt.php", "/mod/quiz/processattempt.php"),
        ("/mod/%71%75iz/", "/mod/quiz/"),
        ("//mod///quiz//attempt.php", "/mod/quiz/attempt.php"),
        ("/mod/quiz/../page/view.php", "/mod/page/view.php"),
        ("/mod/quiz/%2e%2E/page/./view.php", "/mod/page/view.php"),
        ("/mod/quiz/..%2Fpage%2fview.php", "/mod/page/view.php"),
        ("/mod/quiz/..%5cpage/x", "/mod/page/x"),
        ("/../../mod/quiz/", "/mod/quiz/"),
        ("/mod/quiz/x/..", "/mod/quiz/"),
        ("/quiz/attempt.do;jsessionid=0A1F", "/quiz/attempt.do"),
        ("/quiz;JSESSIONID=1/attempt.do", "/quiz/attempt.do"),
        ("/notes;a=1/x", "/notes;a=1/x"),
        ("/%D0%9B%D0%B5%D0%BA%D1%86%D0%B8%D1%8F.pdf", "/%D0%9B%D0%B5%D0%BA%D1%86%D0%B8%D1%8F.pdf"),
        ("/a%20b%25c", "/a%20b%25c"),
        ("/%252e%252e/", "/%252e%252e/"),
        ("/.well-known/x", "/.well-known/x"),
        ("/..", "/"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_a_path_means_what_a_server_makes_of_it(path: str, plain: str) -> None:
    assert meant(path) == plain


@given(st.text(alphabet="/.%2eEfF5cab;", max_size=40).map("/".__add__))
def test_no_dots_and_no_double_slashes_are_left(path: str) -> None:
    plain = meant(path)
    assert plain.startswith("/") and "//" not in plain and "\\" not in plain
    assert not {".", ".."} & set(plain.split("/"))


@pytest.mark.parametrize(
    "path",
    [
        "/mod/quiz/%70rocessattempt.php",
        "/mod/%71uiz/processattempt.php",
        "//mod/quiz/processattempt.php",
        "/mod//quiz/processattempt.php",
        "/./mod/quiz/processattempt.php",
        "/course/../mod/quiz/processattempt.php",
        "/mod%2Fquiz/processattempt.php",
        "/mod/quiz/processattempt.php/x",
        "/Mod/Quiz/ProcessAttempt.php",
        "/pluginfile.php/7//mod_quiz/intro/a.png",
        "/draftfile.php/5/user/draft/1/answer.docx",
    ],
)
@pytest.mark.parametrize("mount", ["/", "/moodle"])
def test_where_answers_count_is_seen_through_every_spelling(path: str, mount: str) -> None:
    assert class_of(mount.rstrip("/") + path, mount) is TrafficClass.ASSESSMENT


@pytest.mark.parametrize(
    "path",
    [
        "/mod/quiz/../../pluginfile.php/7/mod_resource/content/1/film.mp4",
        "/mod/quiz/%2e%2e/%2e%2e/pluginfile.php/7/mod_resource/content/1/film.mp4",
        "/mod/quiz/..%2f..%2fpluginfile.php/7/mod_resource/content/1/film.mp4",
        "/mod/quiz/..%5c..%5cpluginfile.php/7/mod_resource/content/1/film.mp4",
        "/pluginfile.php/7/mod_quiz/../mod_resource/content/1/film.mp4",
        "/pluginfile.php/7/mod_resource/mod_quiz/film.mp4",
    ],
)
def test_a_film_is_not_an_assessment_by_its_spelling(path: str) -> None:
    assert class_of(path) is TrafficClass.LESSON


def test_other_signs_of_a_path_are_read_alike() -> None:
    origin = portal().origins["lms"]
    assert is_logout(origin, "//login/%6cogout.php")
    assert is_edited(origin, "/draftfile.php/./1") and not is_edited(origin, "/files/../mod/page/")
    assert is_player(origin, "/mod//hvp/view.php")


def test_an_exception_of_a_path_holds_for_every_spelling() -> None:
    (territory,) = portal().territories.values()
    assert matching(territory, a_request("//course/view.php"))
    assert not matching(territory, a_request("/course/../mod/page/view.php"))
