"""Where a learner's page links a file of the course, by what its activity is set to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from proxy.night.addresses import (
    BY_ITSELF,
    Display,
    Settings,
    is_to_save,
    linked_url,
    service_target,
    settings_of,
    stored_url,
)
from tests.unit.proxy.night.test_course_parts import json_values

SITE = "https://lms.example.org"
ARCHIVE, WORD, PDF = "application/zip", "application/msword", "application/pdf"


def file(name: str, mimetype: str, area: str = "mod_resource/content/4") -> dict[str, Any]:
    url = f"{SITE}/webservice/pluginfile.php/31/{area}/{name}?forcedownload=1"
    return {"type": "file", "filename": name, "fileurl": url, "mimetype": mimetype}


def of_resource(name: str, mimetype: str, display: int) -> str:
    """The tail of the address by which its page asks for a file."""
    told = file(name, mimetype)
    module = {"modname": "resource", "id": 7, "contents": [told]}
    url = linked_url(told, module, Settings(displays={7: display}, to_save={}))
    assert url is not None and url.startswith(f"{SITE}/pluginfile.php/31/mod_resource/content/4/")
    return url.rpartition("/")[2]


@pytest.mark.parametrize(
    ("name", "mimetype", "display", "asked"),
    [
        ("a.zip", ARCHIVE, Display.AUTOMATIC, "a.zip?forcedownload=1"),
        ("a.docx", WORD, Display.AUTOMATIC, "a.docx"),
        ("a.pdf", PDF, Display.AUTOMATIC, "a.pdf"),
        ("a.mp4", "video/mp4", Display.AUTOMATIC, "a.mp4"),
        ("a.htm", "text/html", Display.AUTOMATIC, "a.htm?embed=1"),
        ("a.zip", ARCHIVE, Display.OPENED, "a.zip"),
        ("a.zip", ARCHIVE, 6, "a.zip"),  # in a window of its own
        ("a.zip", ARCHIVE, 2, "a.zip"),  # in a frame
        ("a.docx", WORD, 3, "a.docx"),  # in a new tab
        ("a.docx", WORD, Display.TO_SAVE, "a.docx?forcedownload=1"),
        ("a.mp4", "video/mp4", Display.TO_SAVE, "a.mp4?forcedownload=1"),
        ("a.pdf", PDF, Display.EMBEDDED, "a.pdf"),
        ("a.png", "image/png", Display.EMBEDDED, "a.png"),
        ("a.docx", WORD, Display.EMBEDDED, "a.docx?embed=1"),
    ],
)
def test_a_file_is_asked_for_as_its_display_says(name: str, mimetype: str, display: int, asked: str) -> None:
    assert of_resource(name, mimetype, display) == asked


def test_other_files_of_an_activity_that_shows_one_are_named_by_that_one() -> None:
    """A lesson of several web pages, set to be saved: its pictures are asked for by it as they are."""
    contents = [file("lesson.html", "text/html"), file("a.png", "image/png")]
    module = {"modname": "resource", "id": 7, "contents": contents}
    settings = Settings(displays={7: Display.TO_SAVE}, to_save={})
    told = [linked_url(one, module, settings) for one in contents]
    assert [str(url).rpartition("/")[2] for url in told] == ["lesson.html?forcedownload=1", "a.png"]


@pytest.mark.parametrize(
    ("to_save", "asked"), [({}, "a.pdf?forcedownload=1"), ({9: True}, "a.pdf?forcedownload=1"), ({9: False}, "a.pdf")]
)
def test_a_folders_page_links_its_files_without_the_revision_that_services_tell(
    to_save: dict[int, bool], asked: str
) -> None:
    told = file("under/a.pdf", PDF, "mod_folder/content/12")
    module = {"modname": "folder", "id": 9, "contents": [told]}
    url = linked_url(told, module, Settings(displays={}, to_save=to_save))
    assert url == f"{SITE}/pluginfile.php/31/mod_folder/content/0/under/{asked}"


def test_what_activities_are_set_to_is_told_by_their_numbers() -> None:
    resources = {"resources": [{"id": 1, "coursemodule": 7, "display": 4}, {"coursemodule": 8}, "x"]}
    folders = {"folders": [{"coursemodule": 9, "forcedownload": 0}, {"coursemodule": 10, "forcedownload": 1}]}
    assert settings_of(resources, folders) == Settings(displays={7: 4}, to_save={9: False, 10: True})
    assert settings_of(None, None) == BY_ITSELF


def test_an_account_asks_for_stored_files_by_its_own_way_and_for_nothing_else() -> None:
    assert service_target("/m/pluginfile.php/1/a?x=1") == "/m/webservice/pluginfile.php/1/a?x=1"
    assert service_target("/mod/page/view.php?id=3") is None
    assert service_target("/webservice/pluginfile.php/1/a") is None
    assert stored_url("https://evil.example/other.php", download=False) is None
    assert stored_url("javascript:/pluginfile.php/", download=False) is None


def test_a_file_to_save_is_known_by_its_address() -> None:
    assert is_to_save("/pluginfile.php/1/a?forcedownload=1") and is_to_save("/pluginfile.php/1/a?x=2&forcedownload=1")
    assert not is_to_save("/pluginfile.php/1/forcedownload=1") and not is_to_save("/pluginfile.php/1/a?forcedownload=0")


@given(json_values, json_values)
def test_settings_of_whatever_shape_break_nothing(resources: Any, folders: Any) -> None:
    settings_of(resources, folders)
