"""What of a Moodle course can be fetched ahead, by its web services' answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import Follow, Followed
from proxy.night.course_parts import (
    current_section,
    forums_of,
    fresh_discussions,
    kinds_of,
    parts_of,
    post_parts,
)

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
SITE = "https://lms.example.org"
FOLLOW = Follow(origin="lms", course=5, ahead=1)


def file(name: str, mimetype: str, **more: Any) -> dict[str, Any]:
    url = f"{SITE}/webservice/pluginfile.php/31/mod_x/content/2/{name}?forcedownload=1"
    return {"type": "file", "filename": name, "fileurl": url, "filesize": 1000, "mimetype": mimetype} | more


def module(name: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"modname": name, "name": f"a {name}", "contents": list(contents), "instance": 7, "uservisible": True} | more


def section(number: int, *modules: dict[str, Any]) -> dict[str, Any]:
    return {"section": number, "modules": list(modules)}


def names(contents: Any, follow: Follow = FOLLOW, current: int | None = 3) -> dict[str, Followed]:
    return {part.url.rpartition("/")[2]: part.what for part in parts_of(contents, follow, current, NOW)}


def test_a_file_has_its_size_and_when_it_was_changed() -> None:
    [part] = parts_of([section(3, module("page", file("a.png", "image/png", timemodified=1725177600)))], FOLLOW, 3, NOW)
    assert (part.size_bytes, part.modified) == (1000, datetime(2024, 9, 1, 8, tzinfo=UTC))


def test_a_web_page_that_is_a_file_of_the_course_is_fetched_a_page_s_own_text_is_not() -> None:
    text = file("index.html", "text/html")
    contents = [section(3, module("page", text), module("resource", text), module("folder", text))]
    assert sorted(part.what for part in parts_of(contents, FOLLOW, 3, NOW)) == [Followed.FILES] * 2
    assert kinds_of(contents) == {"page", "resource", "folder"}


def test_each_kind_of_file_has_its_word_and_the_address_that_learners_use() -> None:
    contents = [
        section(
            3,
            module("page", file("index.html", "text/html"), file("scheme.png", "image/png")),
            module("resource", file("plan.docx", "application/msword"), file("read.pdf", "application/pdf")),
            module("resource", file("all.zip", "application/zip")),
            module("folder", file("talk.mp4", "video/mp4"), file("table.pdf", "application/pdf")),
        )
    ]
    assert names(contents) == {
        "scheme.png": Followed.SECTIONS,
        "plan.docx": Followed.FILES,
        "read.pdf": Followed.FILES,
        "all.zip?forcedownload=1": Followed.FILES,
        "talk.mp4?forcedownload=1": Followed.RECORDINGS,
        "table.pdf?forcedownload=1": Followed.FILES,
    }
    assert {part.url.partition("/31/")[0] for part in parts_of(contents, FOLLOW, 3, NOW)} == {f"{SITE}/pluginfile.php"}


def test_only_the_current_section_and_the_next_ones_are_followed() -> None:
    contents = [section(n, module("page", file(f"{n}.png", "image/png"))) for n in range(1, 7)]
    assert set(names(contents)) == {"3.png", "4.png"}
    assert len(names(contents, current=None)) == 6


def test_what_opens_tomorrow_comes_with_its_time_wherever_it_stands() -> None:
    tomorrow = NOW + timedelta(hours=12)
    dates = [{"label": "Opens", "timestamp": int(tomorrow.timestamp())}]
    far = module("page", file("far.png", "image/png"), dates=dates)
    assert [part.urgent_at for part in parts_of([section(9, far)], FOLLOW, 3, NOW)] == [tomorrow]


@pytest.mark.parametrize("assessed", ["quiz", "assign", "scorm", "h5pactivity", "feedback", "lesson"])
def test_what_is_graded_is_left_alone(assessed: str) -> None:
    assert names([section(3, module(assessed, file("task.png", "image/png")))]) == {}


def test_what_nobody_is_shown_is_not_fetched() -> None:
    """A service account may see more than learners: an activity or a section may be hidden from them."""
    seen, hidden = module("page", file("a.png", "image/png")), module("page", file("b.png", "image/png"), visible=0)
    assert set(names([section(3, seen, hidden), section(4, seen | {"id": 2}) | {"visible": 0}])) == {"a.png"}


def test_a_subsections_files_come_with_the_section_that_it_stands_in() -> None:
    """As Moodle 4.5 tells it: one more section, behind all others, which names its activity."""
    lies = section(12, module("page", file("deep.png", "image/png"))) | {"component": "mod_subsection", "itemid": 9}
    stands = module("subsection", instance=9)
    assert set(names([section(3, stands), lies])) == {"deep.png"}
    assert set(names([section(1, stands), section(3), lies])) == set()
    assert set(names([section(3), lies])) == set()


def test_an_attachment_is_asked_for_as_moodles_own_page_shows_it() -> None:
    """As mod_forum_get_discussion_posts tells files: without a type, the address always one to keep."""
    stored = {
        "filesize": 5,
        "isimage": True,
        "url": f"{SITE}/pluginfile.php/31/mod_forum/attachment/4/a.jpg?forcedownload=1",
    }
    inline = {"filesize": 5, "url": f"{SITE}/pluginfile.php/31/mod_forum/post/4/b.jpg?forcedownload=1"}
    post = {
        "subject": "Re",
        "attachments": [stored | {"filename": "a.jpg"}],
        "messageinlinefiles": [inline | {"filename": "b.jpg"}],
    }
    assert [part.url.rpartition("/")[2] for part in post_parts({"posts": [post]})] == ["a.jpg?forcedownload=1", "b.jpg"]


def test_what_the_account_may_not_see_is_left_alone() -> None:
    assert names([section(3, module("page", file("a.png", "image/png"), uservisible=False))]) == {}


def test_recordings_of_webinars_are_found_by_their_links_in_any_section() -> None:
    told = f'<a href="{SITE}/playback/presentation/2.3/abc-123">recording</a>'
    contents = [section(11, module("bigbluebuttonbn", description=told))]
    assert names(contents) == {"abc-123": Followed.RECORDINGS}


def test_only_what_is_asked_for_is_taken() -> None:
    contents = [section(3, module("page", file("a.png", "image/png"), file("b.mp4", "video/mp4")))]
    assert set(names(contents, Follow(origin="lms", course=5, what=frozenset({Followed.RECORDINGS})))) == {"b.mp4"}


def test_the_current_section_is_the_highlighted_one_else_this_weeks() -> None:
    start = int((NOW - timedelta(days=15)).timestamp())
    assert current_section({"marker": 4, "format": "weeks", "startdate": start}, NOW) == 4
    assert current_section({"marker": 0, "format": "weeks", "startdate": start}, NOW) == 3
    assert current_section({"format": "topics"}, NOW) is None


def test_forums_and_their_fresh_discussions() -> None:
    assert forums_of([section(1, module("forum"), module("page"))]) == (7,)
    rows = [{"discussion": 1, "timemodified": 100}, {"discussion": 2, "timemodified": 300}]
    assert fresh_discussions({"discussions": rows}, datetime.fromtimestamp(200, UTC)) == (2,)


def test_posts_bring_their_attachments_and_the_pictures_in_their_text() -> None:
    attached = {"filename": "plan.zip", "url": f"{SITE}/pluginfile.php/1/mod_forum/attachment/9/plan.zip"}
    inline = {"filename": "a.png", "fileurl": f"{SITE}/webservice/pluginfile.php/1/mod_forum/post/9/a.png"}
    answer = {"posts": [{"subject": "Re", "attachments": [attached], "messageinlinefiles": [inline]}]}
    assert [part.url.partition("mod_forum")[2] for part in post_parts(answer)] == [
        "/attachment/9/plan.zip?forcedownload=1",
        "/post/9/a.png",
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["modules", "section", "contents", "dates", "timestamp", "posts", "attachments", "fileurl", "modname"]
            ),
            below,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_no_answer_of_whatever_shape_breaks_it(answer: Any) -> None:
    parts_of(answer, FOLLOW, 1, NOW)
    post_parts(answer)
    forums_of(answer)
    fresh_discussions(answer, NOW)
    current_section(answer, NOW)
    kinds_of(answer)
