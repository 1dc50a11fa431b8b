"""`own_store:` of an origin, as it is written and as it runs."""

from pathlib import Path

import pytest

from policies.faults import PolicyFaults
from policies.load import read_catalogue
from policies.model import OwnStore

REGION = "regions: {koryak: {timezone: Asia/Kamchatka, networks: [10.41.0.0/16], policy: open}}\n"


def store_of(folder: Path, keys: str, upstream: str = "upstream: 'http://127.0.0.1:81', ") -> OwnStore:
    path = folder / "regions.yaml"
    path.write_text(f"{REGION}origins: {{lms: {{hosts: [lms.test], {upstream}preset: moodle{keys}}}}}\n", "utf-8")
    return read_catalogue(path).origins["lms"].own_store


def test_left_out_nothing_is_kept(tmp_path: Path) -> None:
    assert store_of(tmp_path, "") == OwnStore()


@pytest.mark.parametrize(("word", "enabled"), [("on", True), ("off", False), ("true", True), ("{enabled: off}", False)])
def test_one_word_switches_it(tmp_path: Path, word: str, enabled: bool) -> None:
    assert store_of(tmp_path, f", own_store: {word}").enabled is enabled


def test_its_keys_have_units_and_the_presets_paths_stay(tmp_path: Path) -> None:
    keys = ", own_store: {max: 20 MB, keep: 7 days, patience: 3 s, never: [/private/]}"
    store = store_of(tmp_path, keys)
    assert (store.enabled, store.max_bytes, store.keep_s, store.patience_s) == (True, 20_000_000, 604_800.0, 3.0)
    assert all(
        any(pattern.search(path) for pattern in store.never)
        for path in ("/private/a", "/login/index.php", "/user/edit.php")
    )
    assert not any(pattern.search("/mod/page/view.php") for pattern in store.never)


@pytest.mark.parametrize(
    ("keys", "upstream", "told"),
    [
        (", own_store: on", "", "without an upstream"),
        (", own_store: {max: 10 KB}", "upstream: 'http://127.0.0.1:81', ", "hardly a page"),
        (", own_store: {never: [private]}", "upstream: 'http://127.0.0.1:81', ", "expected a path"),
        (", own_store: maybe", "upstream: 'http://127.0.0.1:81', ", "expected true or false"),
    ],
)
def test_what_cannot_be_meant_is_a_fault(tmp_path: Path, keys: str, upstream: str, told: str) -> None:
    with pytest.raises(PolicyFaults, match=told):
        store_of(tmp_path, keys, upstream)
