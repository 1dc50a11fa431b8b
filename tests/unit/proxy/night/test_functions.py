"""Which web services the account lacks, by what the site says of it."""

from __future__ import annotations

from typing import Any

import pytest

from policies.model import Followed
from proxy.night.functions import FILES, missing, needed


def info(*names: str, **more: Any) -> dict[str, Any]:
    return {"functions": [{"name": name, "version": "2024"} for name in names], "downloadfiles": 1} | more


def test_an_account_that_may_call_all_lacks_nothing() -> None:
    assert missing(info(*needed(Followed)), Followed) == ()


def test_what_is_lacking_is_named_for_what_is_followed_alone() -> None:
    some = info("core_course_get_courses_by_field", "core_course_get_contents")
    assert missing(some, {Followed.FILES}) == missing(some, {Followed.RECORDINGS, Followed.FILES})
    assert "mod_folder_get_folders_by_courses" in missing(some, {Followed.FILES})
    assert missing(some, {Followed.SECTIONS}) == ("mod_page_get_pages_by_courses",)
    assert "mod_forum_get_discussion_posts" in missing(some, {Followed.FORUMS})


def test_files_that_may_not_be_downloaded_are_told() -> None:
    assert missing(info(*needed({Followed.FILES}), downloadfiles=0), {Followed.FILES}) == (FILES,)


@pytest.mark.parametrize("told", [None, [], {}, {"functions": "x"}, {"functions": []}])
def test_an_account_that_does_not_say_is_not_blamed(told: Any) -> None:
    assert missing(told, Followed) == ()
