"""What webinar rooms recorded, as each version of their module tells it: JSON in JSON, HTML within, slashes escaped."""

from __future__ import annotations

import json
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.night.room_recordings import MAX_RECORDINGS, recorded_parts
from tests.unit.proxy.night.test_course_parts import json_values

SITE, ROOMS = "https://lms.example.org", "https://bbb.example.org"
PLAYS = f"{ROOMS}/playback/presentation/2.3/"


def row(link: str, recording: str = "", preview: str = "") -> dict[str, Any]:
    told = {"playback": f'<div id="playbacks-7"><a href="{escape(link)}" data-action="play">x</a></div>'}
    return told | {"recording": recording, "preview": preview, "date": 1.0, "duration": 47}


def answer(*rows: Any) -> dict[str, Any]:
    return {"status": True, "tabledata": {"columns": [], "data": json.dumps(rows).replace("/", "\\/")}, "warnings": []}


def preview(number: str) -> str:
    picture = f"{ROOMS}/presentation/{number}/presentation/d2d9-1/thumbnails/thumb-1.png?1700000000"
    return f'<div class="container-fluid"><img src="{picture}" alt=""></div>'


def own_link(kind: str = "presentation") -> str:
    return f"{SITE}/mod/bigbluebuttonbn/bbb_view.php?action=play&bn=2&rid=7&rtype={kind}&sesskey=x"


@pytest.mark.parametrize(
    ("told", "plays"),
    [
        (row(f"{PLAYS}abc-123"), [f"{PLAYS}abc-123"]),
        (
            row(f"{ROOMS}/playback/presentation/2.0/playback.html?meetingId=abc-123"),
            [f"{ROOMS}/playback/presentation/2.0/playback.html?meetingId=abc-123"],
        ),
        (
            row(f"{SITE}/mod/bigbluebuttonbn/bbb_view.php?action=play&href={quote(f'{PLAYS}abc-123', '')}"),
            [f"{PLAYS}abc-123"],
        ),
        (row(own_link(), preview=preview("abc-123")), [f"{PLAYS}abc-123"]),
        (row(own_link()), []),
        (row(own_link("video"), preview=preview("abc-123")), []),
        ({"playback": "<div></div>", "preview": preview("abc-123")}, []),  # not published
    ],
)
def test_a_recording_is_found_as_any_version_tells_it(told: dict[str, Any], plays: list[str]) -> None:
    assert [part.url for part in recorded_parts(answer(told), "Вебинар")] == plays


def test_each_has_its_own_name_else_the_rooms() -> None:
    named = '<span class="inplaceeditable" data-value="Занятие &amp; 5"><a href="#">Занятие &amp; 5</a></span>'
    parts = recorded_parts(answer(row(f"{PLAYS}abc-123", named), row(f"{PLAYS}abc-124")), "Вебинар")
    assert [part.title for part in parts] == ["Занятие & 5", "Вебинар"]


def test_only_so_many_of_a_room_are_taken_each_once() -> None:
    rows = [row(f"{PLAYS}abc-{number}") for number in range(MAX_RECORDINGS + 9)]
    assert len(recorded_parts(answer(*rows, *rows), "")) == MAX_RECORDINGS


@given(json_values | st.builds(answer, json_values))
def test_no_answer_of_whatever_shape_breaks_it(told: Any) -> None:
    recorded_parts(told, "")


def test_a_text_that_is_no_table_tells_of_none() -> None:
    assert recorded_parts({"tabledata": {"data": "<html>"}}, "") == () == recorded_parts({"status": False}, "")
