"""`tropa learner` and `tropa allowance`, with a running Tropa and without."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web

from policies.treatments import NothingFits
from proxy.account.seals import Seals
from proxy.account.secret import Keyed, installation_secret
from proxy.account.sqlite import SqliteState
from proxy.account.state import Mark, PutMark
from proxy.catalogues import publish_file
from proxy.stages.ladder_notes import LIFE
from proxy.stages.noted import Sent, sealed_facts
from proxy.transforms.ladder import LadderSpec
from tests.serving import NOON, Served, served
from tests.unit.proxy.cli.commands import Ran, regions_file, tropa

TRUSTED = """trusted_proxies: [127.0.0.1]
  trusted_headers: {learner: X-Remote-User}"""


async def origin(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * 100_000, content_type="application/octet-stream")


async def run(*words: str | Path) -> Ran:
    return await asyncio.to_thread(tropa, *words, at=NOON)


async def visit(there: Served, who: str) -> None:
    assert (await there.get(f"/file/{who}", headers={"X-Remote-User": who})).status == 200


def publish(folder: Path) -> None:
    publish_file(folder / "regions.yaml", folder / "state", now=NOON, note="")


async def test_a_running_tropa_tells_and_forgets_one_learner(tmp_path: Path) -> None:
    async with served(tmp_path, origin, tropa=TRUSTED) as there:
        state = ("--state", there.state_dir)
        for who in ("anna", "boris"):
            await visit(there, who)
        exported = await run("learner", "export", "--login", "anna", "--out", tmp_path / "anna.json", *state)
        assert (exported.code, exported.out) == (0, "")
        held = json.loads((tmp_path / "anna.json").read_text(encoding="utf-8"))
        assert held["learner"] == Keyed(installation_secret(there.state_dir)).learner("header", "anna")
        assert [line["url"].rpartition("/")[2] for line in held["log"]["exchanges"]] == ["anna"]
        assert held["allowance_now"]["counters"][0]["used_bytes"] > 100_000
        erased = await run("learner", "erase", "--login", "anna", *state)
        assert erased.code == 0 and "allowance_now: 1" in erased.out and "log: 1" in erased.out
        again = await run("learner", "erase", "--login", "anna", *state)
        assert (again.code, again.out) == (0, "Nothing is kept.\n")
        his = json.loads((await run("learner", "export", "--login", "boris", *state)).out)
        assert his["allowance_now"]["counters"][0]["used_bytes"] > 100_000
        assert len(his["log"]["exchanges"]) == 1


async def test_a_stopped_tropa_tells_her_readable_what_lies_sealed(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    keyed = Keyed(installation_secret(state_dir))
    anna, address = keyed.learner("header", "anna"), "https://lms.example.org/film.m3u8"
    sent = Sent(
        url=address,
        query="",
        manifest="hls",
        text=b"#EXTM3U",
        spec=LadderSpec(max_height_px=240),
        nothing_fits=NothingFits.LOWEST,
        capped=None,
    )
    facts = sealed_facts(Seals(keyed), anna, "1", sent)
    state = SqliteState(state_dir / "tropa.db")
    await state.start()
    await state.commit([PutMark(Mark(kind="ladder", owner=anna, key="1", until=NOON + LIFE, facts=facts))])
    await state.close()
    assert address not in str(facts)
    held = await run("learner", "export", "--login", "anna", "--patience", "0", "--state", state_dir)
    (ladder,) = json.loads(held.out)["kept"]["ladder"]
    assert (ladder["address"], ladder["manifest"], ladder["limits"]["max_height_px"]) == (address, "#EXTM3U", 240)
    erased = await run("learner", "erase", "--login", "anna", "--patience", "0", "--state", state_dir)
    assert "kept: 1" in erased.out


async def test_a_stopped_tropa_forgets_what_lies_in_files_and_the_rest_at_its_start(tmp_path: Path) -> None:
    async with served(tmp_path, origin, tropa=TRUSTED) as there:
        await visit(there, "anna")
    state = ("--state", tmp_path / "state")
    held = await run("learner", "export", "--login", "anna", "--patience", "0", *state)
    assert "what lies in files" in held.err and "file/anna" in held.out
    erased = await run("learner", "erase", "--login", "anna", "--patience", "0", *state)
    assert erased.code == 0 and "allowances: 1" in erased.out and "the rest goes when it starts" in erased.err
    async with served(tmp_path, origin, tropa=TRUSTED) as there:
        again = await run("learner", "erase", "--login", "anna", "--state", there.state_dir)
        assert again.out == "Nothing is kept.\n"


async def test_an_allowance_is_shown_and_corrected_while_tropa_runs(tmp_path: Path) -> None:
    async with served(tmp_path, origin, tropa=TRUSTED) as there:
        publish(tmp_path)
        await visit(there, "anna")
        state = ("--state", there.state_dir)
        corrected = await run("allowance", "correct", "koryak", "--login", "anna", "--add", "120MB", *state)
        assert corrected.code == 0 and "120 MB more counted as used" in corrected.out
        (line,) = json.loads((await run("allowance", "show", "koryak", "--login", "anna", "--json", *state)).out)
        assert 120_100_000 < line["used_bytes"] < 120_200_000
        assert line["left_bytes"] == 300_000_000 - line["used_bytes"]
        shown = await run("allowance", "show", "koryak", *state)
        assert "learner" in shown.out and "40" in shown.out and "the 10 that used most" in shown.err
        await run("allowance", "correct", "koryak", "--login", "anna", "--subtract", "300MB", *state)
        (line,) = json.loads((await run("allowance", "show", "koryak", "--login", "anna", "--json", *state)).out)
        assert line["used_bytes"] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("learner", "export"), "say who"),
        (("learner", "export", "--login", "a", "--code", "b"), "give one of them"),
        (("learner", "export", "--learner", "anna"), "is no learner's id"),
        (("learner", "erase", "--code", "K7Q-4M2"), "is not known here"),
        (("allowance", "show", "koryk"), "did you mean koryak?"),
        (("allowance", "show", "town"), "has no allowance"),
        (("allowance", "correct", "koryak"), "say by how much"),
        (("allowance", "correct", "koryak", "--scope", "site", "--add", "1MB"), "has no allowance of scope site"),
        (("allowance", "correct", "koryak", "--scope", "learner", "--add", "1MB"), "say which learner"),
    ],
)
def test_what_cant_be_meant_is_told(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    state = tmp_path / "state"
    publish_file(regions_file(tmp_path), state, now=NOON, note="")

    async def made() -> None:
        opened = SqliteState(state / "tropa.db")
        await opened.start()
        await opened.close()

    asyncio.run(made())
    ran = tropa(*words, "--state", state, at=NOON)
    assert ran.code == 2
    assert told in ran.err


def test_a_login_without_the_installations_secret_names_nobody(tmp_path: Path) -> None:
    ran = tropa("learner", "export", "--login", "anna", "--state", tmp_path)
    assert ran.code == 1 and "no such file" in ran.err
    assert not (tmp_path / "secret").exists()
