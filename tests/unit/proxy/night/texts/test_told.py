"""What of web services' answers counts as everybody's in a course, and what doesn't."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import Follow
from proxy.night.texts.books import chapters
from proxy.night.texts.making import Module
from proxy.night.texts.told import (
    named_course,
    named_module,
    named_text,
    open_discussions,
    open_forums,
    open_posts,
    outline,
    page_texts,
    thread_text,
)
from proxy.night.texts.values import Text

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
SITE = "https://lms.example.org"
FOLLOW = Follow(origin="lms", course=5, ahead=1)
ZONE = ZoneInfo("Asia/Kamchatka")


def module(number: int, kind: str = "page", **more: Any) -> dict[str, Any]:
    told = {"id": number, "modname": kind, "name": f"№ {number}", "url": f"{SITE}/mod/{kind}/view.php?id={number}"}
    return told | {"visible": 1, "availability": None, "uservisible": True, "contents": []} | more


def section(number: int, *modules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"section": number, "name": f"Тема {number}", "visible": 1, "modules": list(modules)} | more


def read(*sections: dict[str, Any], current: int | None = 3) -> tuple[list[int], list[str], tuple[str, ...]]:
    """Numbers of activities, keys of texts, titles of what stays apart."""
    found = outline(list(sections), FOLLOW, current, SITE, NOW)
    texts = [one.key for one, _ in found.texts if isinstance(one, Text)]
    return [one.number for one in found.modules], texts, found.apart


@pytest.mark.parametrize(
    "closed",
    [
        {"visible": 0},
        {"uservisible": False},
        {"availabilityinfo": "Доступно с 1 декабря"},
        {"availability": json.dumps({"op": "&", "c": [{"type": "group", "id": 4}]})},
        {"availability": "not JSON"},
        {"visibleoncoursepage": 0},
    ],
)
def test_an_activity_that_is_not_open_to_all_is_left_out(closed: dict[str, Any]) -> None:
    numbers, _, _ = read(section(3, module(1), module(2, **closed)))
    assert numbers == [1]


def test_where_an_account_is_not_told_of_conditions_nothing_is_everybodys() -> None:
    """Moodle tells `availability` to those alone who may see hidden activities."""
    blind = {key: value for key, value in module(1).items() if key != "availability"}
    assert read(section(3, blind, summary="<p>О теме</p>")) == ([], [], ())
    assert read(section(3, summary="<p>О теме</p>"))[1] == ["section-3"]


def test_a_subsection_is_read_with_the_section_that_it_stands_in() -> None:
    """As Moodle 4.5 tells it: one more section, behind all others, which names its activity."""
    stands = module(40, "subsection", instance=9)
    lies = section(12, module(41), component="mod_subsection", itemid=9, summary="<p>Глубже</p>")
    others = [section(n, module(n)) for n in (1, 4)]
    numbers, texts, _ = read(section(3, stands), *others, lies)
    assert set(numbers) == {40, 4, 41} and texts == ["section-12"]
    assert 41 not in read(section(1, stands), section(3), lies)[0]
    assert 41 not in read(section(3, stands | {"availability": '{"op":"&","c":[{"type":"group"}]}'}), lies)[0]


def test_an_empty_list_of_conditions_is_none() -> None:
    assert read(section(3, module(1, availability=json.dumps({"op": "&", "c": [], "showc": []}))))[0] == [1]


def test_a_hidden_section_is_left_out_with_all_that_it_holds() -> None:
    hidden = section(3, module(1), visible=0, summary="<p>Тайна</p>")
    assert read(hidden, section(4, module(2), availabilityinfo="по группам")) == ([], [], ())


def test_posts_that_may_not_be_read_are_left_out() -> None:
    told = {"isprivatereply": False, "isdeleted": False, "message": "<p>Это сообщение скрыто</p>", "timecreated": None}
    posts = [told | {"id": 1, "capabilities": {"view": False}}, told | {"id": 2, "capabilities": {"view": True}}]
    assert [post["id"] for post in open_posts({"posts": posts})["posts"]] == [2]


def test_what_is_graded_is_named_and_not_read() -> None:
    numbers, texts, apart = read(section(3, module(1, "quiz", description="<p>Вопросы</p>"), module(2, "assign")))
    assert (numbers, texts, apart) == ([], [], ("№ 1", "№ 2"))


def test_sections_far_from_the_current_one_are_not_read_but_their_forums_are() -> None:
    far = section(9, module(1), module(2, "forum"), summary="<p>Далеко</p>")
    near = section(4, module(3), module(4, "label", description="<p>Надпись</p>"), summary="<p>Близко</p>")
    assert read(far, near) == ([2, 3, 4], ["section-4", "label-4"], ())


def test_pages_are_taken_of_open_activities_alone() -> None:
    modules = outline([section(3, module(1))], FOLLOW, 3, SITE, NOW).modules
    pages = [
        {"coursemodule": number, "content": f"<p>Текст {number}</p>", "timemodified": 1725177600} for number in (1, 2)
    ]
    [(number, (text, _))] = page_texts({"pages": pages}, modules)
    assert (number, text.key, text.html, text.target) == (1, "page-1", "<p>Текст 1</p>", "/mod/page/view.php?id=1")


FORUM = Module(number=2, kind="forum", title="Вопросы", section="Тема", told=module(2, "forum"))


@pytest.mark.parametrize(("kind", "is_open"), [("general", True), ("news", True), ("qanda", False), (None, False)])
def test_a_forum_where_one_must_write_first_is_left_out(kind: str | None, is_open: bool) -> None:
    assert bool(open_forums([{"id": 7, "cmid": 2, "type": kind}], (FORUM,))) is is_open


@pytest.mark.parametrize(
    ("more", "is_open"),
    [
        ({"groupid": -1}, True),
        ({"groupid": 4}, False),
        ({}, False),
        ({"groupid": -1, "timestart": int(NOW.timestamp()) + 60}, False),
        ({"groupid": -1, "timeend": int(NOW.timestamp())}, False),
        ({"groupid": -1, "timemodified": 1}, False),
    ],
)
def test_a_discussion_of_one_group_or_another_time_is_left_out(more: dict[str, Any], is_open: bool) -> None:
    row = {"discussion": 11, "timemodified": int(NOW.timestamp()) - 60} | more
    assert bool(open_discussions({"discussions": [row]}, NOW - timedelta(days=14), NOW)) is is_open


def test_a_discussion_is_one_text_without_what_was_answered_in_private() -> None:
    posts = [
        {"subject": "Re", "message": "<p>Ответ</p>", "timecreated": 200, "isprivatereply": False},
        {"subject": "Связь", "message": "<p>Вопрос</p>", "timecreated": 100, "isprivatereply": False,
         "author": {"fullname": "Анна <b>"}},
        {"subject": "Лично", "message": "<p>Тайна</p>", "timecreated": 300, "isprivatereply": True},
        {"subject": "?", "message": "<p>Не сказано</p>", "timecreated": 300},
    ]  # fmt: skip
    found = thread_text({"discussion": 11, "name": "Связь"}, open_posts({"posts": posts}), FORUM, site=SITE, zone=ZONE)
    assert found is not None
    text = found[0]
    assert text.html.index("Вопрос") < text.html.index("Ответ") and "Анна &lt;b&gt;" in text.html
    assert "Тайна" not in text.html and "Не сказано" not in text.html
    assert text.target == "/mod/forum/discuss.php?d=11"


def test_posts_of_one_second_come_in_the_order_of_their_numbers() -> None:
    posts = [{"id": number, "message": f"<p>№ {number}</p>", "timecreated": 100} for number in (12, 11)]
    found = thread_text({"discussion": 11, "name": "Связь"}, {"posts": posts}, FORUM, site=SITE, zone=ZONE)
    assert found is not None and found[0].html.index("№ 11") < found[0].html.index("№ 12")


def test_pages_addresses_prove_what_they_name() -> None:
    assert named_course("/moodle/course/view.php?id=5&section=2") == 5
    assert named_module("/mod/forum/view.php?id=102") == 102
    assert named_course("/mod/forum/view.php?id=102") is None
    assert named_text("/mod/page/view.php?id=7") == "page-7"
    assert named_text("/mod/forum/discuss.php?d=11") == "thread-11"
    assert named_text("/mod/book/view.php?id=6&chapterid=11") == "chapter-6-11"
    assert named_text("/mod/book/view.php?id=6") == "chapter-6" == named_text("/mod/book/view.php?id=6&chapterid=x")
    assert named_text("/mod/quiz/view.php?id=7") == "" and named_module("/course/view.php?id=1") is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["modules", "section", "contents", "pages", "posts", "discussions", "id", "type", "content", "name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_no_answer_however_odd_raises(told: Any) -> None:
    modules = (*outline(told, FOLLOW, None, SITE, NOW).modules, FORUM)
    list(page_texts(told, modules))
    open_forums(told, modules)
    open_discussions(told, NOW, NOW)
    thread_text({}, open_posts(told), FORUM, site=SITE, zone=ZONE)
    for one in modules:
        chapters(one)
