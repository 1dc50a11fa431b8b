"""A message that a page's script posts: understood and kept, or left alone and told at once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from proxy.outbox.call import answered, is_call_of, read_call, token_on, with_token
from proxy.pages.outbox import KEPT
from tests.outbox_course import RULE
from tests.serving import Reply, served
from tests.unit.proxy.stages.test_outbox import DISCUSSION, QUICK, SENT, TEXT, Course, Teacher, cut

ADD = "mod_forum_add_discussion_post"
SERVICE = "/lib/ajax/service.php"
CALLS = replace(RULE, calls=frozenset({ADD, "core_message_send_instant_messages"}), text=("message", "text"))
_PATIENCE_S = 60.0


def call(method: str = ADD, **args: Any) -> bytes:
    return json.dumps([{"index": 0, "methodname": method, "args": args}]).encode()


# -- pure --------------------------------------------------------------------------------------------------------------


def test_a_calls_words_are_found_wherever_they_stand() -> None:
    reply = read_call(call(postid=4, subject="Re", message=TEXT), CALLS)
    assert reply is not None and reply.first(CALLS.text) == TEXT and reply.get("subject") == "Re"
    told = read_call(call("core_message_send_instant_messages", messages=[{"touserid": 3, "text": TEXT}]), CALLS)
    assert told is not None and told.first(CALLS.text) == TEXT


def test_a_call_goes_out_again_byte_for_byte() -> None:
    body = b' [ {"index":0 , "methodname":"mod_forum_add_discussion_post","args":{"message":"\\u0430"}} ]'
    form = read_call(body, CALLS)
    assert form is not None and form.encoded() == (body, "application/json")


@pytest.mark.parametrize(
    "body",
    [
        call("mod_quiz_save_attempt", message="x"),
        json.dumps([json.loads(call(message="a"))[0]] * 2).encode(),
        b"[]",
        b"{",
        b"[" * 100_000,
        b"a=b",
    ],
)
def test_what_is_no_listed_call_is_left_alone(body: bytes) -> None:
    assert read_call(body, CALLS) is None


def test_its_address_gets_the_new_token_and_keeps_the_rest() -> None:
    target = f"{SERVICE}?sesskey=old&info={ADD}"
    assert with_token(target, "sesskey", "new") == f"{SERVICE}?sesskey=new&info={ADD}"
    assert is_call_of(f"sesskey=old&info={ADD}", CALLS) and not is_call_of("info=mod_quiz_save_attempt", CALLS)
    assert token_on('M.cfg = {"sesskey":"aB3dE6","x":1}', "sesskey") == "aB3dE6" and token_on("", "sesskey") is None


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ('[{"error":false,"data":{}}]', "taken"),
        ('[{"error":true,"exception":{"errorcode":"servicerequireslogin"}}]', "login"),
        ('{"error":"x","errorcode":"invalidsesskey"}', "login"),
        ('[{"error":true,"exception":{"errorcode":"nopostforum"}}]', "refused"),
        ('[{"error":false,"data":[{"msgid":57,"text":"x"}]}]', "taken"),
        ('[{"error":false,"data":[{"msgid":-1,"errormessage":"This user has blocked you"}]}]', "refused"),
        ('[{"error":false,"data":[{"msgid":-1},{"msgid":57}]}]', ""),
        ("<html>", ""),
        ("[]", ""),
        ('[{"data":1}]', ""),
    ],
)
def test_an_answer_proves_only_what_it_says(page: str, says: str) -> None:
    assert answered(page) == says


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_no_body_however_odd_raises(body: bytes) -> None:
    read_call(body, CALLS)
    answered(body.decode("utf-8", "replace"))


# -- through Tropa -----------------------------------------------------------------------------------------------------


@dataclass
class Portal(Course):
    """A forum whose page has a quick answer by script."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        answer = await super().__call__(request)
        if isinstance(answer, web.Response) and answer.content_type == "text/html":
            who = request.cookies.get("MoodleSession", "")
            mark = f'<script>M.cfg = {{"sesskey":"key-{who}"}};</script>'
            answer.text = str(answer.text).replace("<body>", f"<body>{mark}", 1)
        return answer

    async def _posted(self, request: web.Request, who: str) -> web.StreamResponse:
        if request.path != SERVICE:
            return await super()._posted(request, who)
        if request.query.get("sesskey") != f"key-{who}":
            return web.json_response([{"error": True, "exception": {"errorcode": "invalidsesskey"}}])
        told = json.loads(await request.read())
        self.posts.append((who, told[0]["args"]["message"]))
        return web.json_response([{"error": False, "data": {"postid": len(self.posts)}}])


async def quick_answer(teacher: Teacher, method: str = ADD, sesskey: str = "key-anna") -> Reply:
    headers = {
        "Cookie": f"MoodleSession={teacher.name}",
        "Sec-Fetch-Dest": "empty",
        "Content-Type": "application/json",
        "X-Requested-With": "XMLHttpRequest",
        "Referer": f"{teacher.there.base_url}{DISCUSSION}",
        "Accept-Language": "ru",
    }
    target = f"{SERVICE}?sesskey={sesskey}&info={method}"
    return await teacher.there.get(target, "POST", headers=headers, data=call(method, postid=4, message=TEXT))


async def test_a_quick_answer_and_its_answer_pass_while_the_link_is_up(tmp_path: Path) -> None:
    portal = Portal()
    async with served(tmp_path, portal) as there:
        reply = await quick_answer(Teacher(there))
        assert reply.status == 200 and json.loads(reply.body)[0]["error"] is False
    assert portal.posts == [("anna", TEXT)]


async def test_without_a_link_it_waits_its_script_is_told_and_it_goes_once(tmp_path: Path) -> None:
    portal = Portal()
    async with served(tmp_path, portal, tropa=QUICK) as there:
        anna = Teacher(there)
        await anna.get(DISCUSSION)
        await cut(portal, anna)
        told = [json.loads((await quick_answer(anna, sesskey="of-yesterday")).body)[0] for _ in range(2)]
        assert told[0]["error"] is True and told[0]["exception"]["errorcode"] == KEPT and told[0] == told[1]
        receipt = told[0]["exception"]["link"]
        assert TEXT in await anna.read(receipt)
        portal.cut = False
        await anna.sees(receipt, SENT)
    assert portal.posts == [("anna", TEXT)]


async def test_a_call_that_is_not_listed_fails_at_once_in_a_form_for_programs(tmp_path: Path) -> None:
    portal = Portal()
    async with served(tmp_path, portal, tropa=QUICK) as there:
        anna = Teacher(there)
        await cut(portal, anna)
        async with asyncio.timeout(_PATIENCE_S):
            reply = await quick_answer(anna, "mod_quiz_save_attempt")
        assert reply.status == 503
        reply = await quick_answer(anna, "core_get_fragment")
        assert (reply.status, reply.headers["Content-Type"]) == (503, "application/problem+json")
        assert "ничего не ждёт" in await anna.read("/.tropa/outbox")
