"""check, explain, schema and pac: commands that need a configuration and nothing else."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.account.sqlite import FILE_NAME, SqliteState
from proxy.account.state import Mark, PutMark
from proxy.own.own_workers import BY_POLICY, OWN_WORKER
from tests.unit.proxy.cli.commands import NOON, REGIONS, line_of, regions_file, tropa

CHAT = "https://lms.example.org/mod/chat/view.php?id=1"


# -- check -----------------------------------------------------------------------------------------------------


def test_a_sound_file_passes_with_a_summary(tmp_path: Path) -> None:
    ran = tropa("check", regions_file(tmp_path))
    assert ran.code == 0
    assert "tests passed: 1" in ran.out


def test_the_shipped_file_passes_with_no_warnings() -> None:
    ran = tropa("check", Path(__file__).parents[4] / "regions.yaml")
    assert (ran.code, ran.err) == (0, "")


def test_each_fault_is_a_line_with_its_place_and_cure(tmp_path: Path) -> None:
    path = regions_file(tmp_path, REGIONS.replace("to: 07:00", "to: 25:00").replace("timezone: Asia", "timezon: Asia"))
    ran = tropa("check", path)
    assert ran.code == 2
    lines = ran.out.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(f"{path}:") for line in lines)
    assert any(f":{line_of('to: 07:00')}:" in line and "got 25:00; write hours 00-24" in line for line in lines)
    assert any("did you mean timezone?" in line for line in lines)


def test_an_expectation_that_fails_is_a_fault_of_its_line(tmp_path: Path) -> None:
    path = regions_file(tmp_path, REGIONS.replace("expect: {verdict: defer}", "expect: {verdict: allow}"))
    ran = tropa("check", path)
    assert ran.code == 2
    assert ran.out.startswith(
        f"{path}:{line_of('- {url')}:5: tests[0].expect.verdict: {CHAT}: verdict: expected allow, got defer; "
    )
    assert tropa("check", path, "--no-tests").code == 0


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    ran = tropa("check", tmp_path / "regoins.yaml")
    assert ran.code == 2
    assert "no such file" in ran.out


# -- explain ---------------------------------------------------------------------------------------------------


def test_json_has_the_promised_keys(tmp_path: Path) -> None:
    ran = tropa(
        "explain", CHAT, "--region", "koryak", "--at", "2026-11-23T20:00", "--json", "--regions", regions_file(tmp_path)
    )
    assert ran.code == 0
    told = json.loads(ran.out)
    assert (told["region"], told["site"], told["origin"]) == ("koryak", None, "lms")
    assert (told["class"], told["verdict"]) == ("consultation", "defer")
    assert told["valid_until"] == "2026-11-24T08:00:00+12:00"
    assert told["treatments"]["video"].startswith("adapt as slidecast")
    assert [reason["rule"] for reason in told["reasons"]] == ["window-closed"]
    assert set(told["reasons"][0]) == {"rule", "source", "text"}
    assert told["reasons"][0]["source"].startswith("regions.yaml:")


def test_people_read_the_verdict_the_reason_and_its_line(tmp_path: Path) -> None:
    words = ["explain", CHAT, "--region", "koryak", "--at", "2026-11-23T20:00", "--regions", regions_file(tmp_path)]
    english = tropa(*words)
    assert "DEFER" in english.out
    assert "opens: 2026-11-24 08:00 +12:00" in english.out
    assert f"regions.yaml:{line_of('when: free')}" in english.out
    assert "Koryak District" in english.out
    russian = tropa("--lang", "ru", *words)
    assert "Корякский округ" in russian.out
    assert "сейчас закрыт" in russian.out


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/mod/page/view.php?id=1", "up to 50 MB, 30 days"),
        ("/mod/quiz/attempt.php?attempt=1", "never: answers count here"),
        ("/private/x", "never: never or never_kept says so"),
    ],
)
def test_people_read_whether_the_device_may_keep_it(target: str, told: str, tmp_path: Path) -> None:
    kept = REGIONS.replace("preset: moodle}", "preset: moodle, own_store: {never: [/private/]}}")
    words = [
        "explain",
        f"https://lms.example.org{target}",
        "--region",
        "koryak",
        "--regions",
        regions_file(tmp_path, kept),
    ]
    assert f"On the device of the learner: {told}" in tropa(*words).out
    assert "no: in reverse mode alone" in tropa(*words, "--mode", "forward").out
    assert "On the device" not in tropa(*words[:-1], regions_file(tmp_path)).out


def test_what_the_running_tropa_has_seen_of_a_site_is_explained(tmp_path: Path) -> None:
    kept = REGIONS.replace("preset: moodle}", "preset: moodle, own_store: on}")
    tropa("publish", regions_file(tmp_path, kept), "--state", tmp_path)
    words = ["explain", "https://lms.example.org/my/", "--region", "koryak", "--state", tmp_path]

    async def told(kind: str) -> str:
        state = SqliteState(tmp_path / FILE_NAME)
        await state.start()
        await state.commit([PutMark(Mark(kind=kind, owner="", key="lms", until=NOON + timedelta(days=1)))])
        await state.close()
        return await asyncio.to_thread(lambda: tropa(*words).out)

    assert "some pages' Content-Security-Policy forbids it" in asyncio.run(told(BY_POLICY))
    assert "no: the site has a service worker of its own" in asyncio.run(told(OWN_WORKER))


def test_an_hour_without_offset_is_the_place_s_own_and_with_one_is_absolute(tmp_path: Path) -> None:
    words = ["explain", CHAT, "--region", "koryak", "--json", "--regions", regions_file(tmp_path)]
    local = json.loads(tropa(*words, "--at", "2026-11-23T10:00").out)
    absolute = json.loads(tropa(*words, "--at", "2026-11-22T22:00Z").out)
    assert local["verdict"] == absolute["verdict"] == "allow"
    assert local["at"] == absolute["at"]


def test_without_an_hour_it_is_now(tmp_path: Path) -> None:
    ran = tropa("explain", CHAT, "--region", "koryak", "--json", "--regions", regions_file(tmp_path))
    assert json.loads(ran.out)["at"] == "2026-11-24T00:00:00+12:00"


def test_a_tunnel_says_what_it_can_not_enforce(tmp_path: Path) -> None:
    ran = tropa("explain", CHAT, "--region", "koryak", "--mode", "tunnel", "--regions", regions_file(tmp_path))
    assert "Not enforceable in this mode" in ran.out
    assert "smaller images" in ran.out
    assert "What becomes of the content" not in ran.out


def test_the_kind_may_be_told_where_the_address_does_not(tmp_path: Path) -> None:
    url = "https://lms.example.org/pluginfile.php/7/lecture"
    words = ["explain", url, "--region", "koryak", "--json", "--regions", regions_file(tmp_path)]
    assert json.loads(tropa(*words).out)["kind"] is None
    told = json.loads(tropa(*words, "--kind", "video").out)
    assert told["kind"] == "video"
    assert [reason["rule"] for reason in told["reasons"]] == ["video-adapted"]


def test_save_data_narrows(tmp_path: Path) -> None:
    words = ["explain", "https://lms.example.org/a.jpg", "--region", "koryak", "--json"]
    words += ["--regions", str(regions_file(tmp_path))]
    assert "save-data" in {r["rule"] for r in json.loads(tropa(*words, "--save-data").out)["reasons"]}
    assert "save-data" not in {r["rule"] for r in json.loads(tropa(*words).out)["reasons"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--region", "koriak"], "did you mean koryak?"),
        (["--region", "koryak", "--site", "tigill"], "did you mean tigil?"),
        (["--region", "town/tigil"], "town has no site 'tigil'"),
        (["--region", "koryak", "--at", "soon"], "expected an instant like 2026-11-23T21:30"),
        (["--region", "koryak", "--state", "state"], "give one of them"),
    ],
)
def test_a_place_or_hour_that_is_not_known_is_a_line(words: list[str], told: str, tmp_path: Path) -> None:
    ran = tropa("explain", CHAT, *words, "--regions", regions_file(tmp_path))
    assert ran.code == 2
    assert told in ran.err
    assert ran.out == ""


def test_an_address_that_is_none_says_how_to_write_one(tmp_path: Path) -> None:
    ran = tropa("explain", "ftp://lms.example.org/", "--region", "koryak", "--regions", regions_file(tmp_path))
    assert ran.code == 2
    assert "https://lms.example.org" in ran.err


# -- schema and pac --------------------------------------------------------------------------------------------


def test_the_schema_is_json_and_knows_the_top_of_the_file() -> None:
    schema = json.loads(tropa("schema").out)
    assert {"tropa", "origins", "regions", "policies"} <= set(schema["properties"])


def test_a_pac_uses_the_region_s_own_listener_unless_told(tmp_path: Path) -> None:
    path = regions_file(tmp_path)
    assert "PROXY 127.0.0.1:8110; DIRECT" in tropa("pac", "--region", "koryak", "--regions", path).out
    told = tropa("pac", "--region", "koryak", "--proxy", "tropa.example:3128", "--regions", path)
    assert "PROXY tropa.example:3128; DIRECT" in told.out


def test_a_pac_for_a_listener_on_every_address_needs_its_name(tmp_path: Path) -> None:
    path = regions_file(tmp_path, REGIONS.replace("127.0.0.1:8110", "0.0.0.0:8110"))
    ran = tropa("pac", "--region", "koryak", "--regions", path)
    assert ran.code == 2
    assert "--proxy HOST:PORT" in ran.err
