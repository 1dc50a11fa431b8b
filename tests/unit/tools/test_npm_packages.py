"""Players for tests: only what is pinned, only what is named, never outside its folder."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tools.npm_packages import (
    LOCK,
    WANTED,
    PackageTrouble,
    Pinned,
    check,
    fetch,
    is_here,
    main,
    pinned,
    registry,
    unpack,
)


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return path


def integrity(path: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def fake_npm(folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An npm whose registry has one archive: the last argument of `npm pack` is where it goes."""
    tool = folder / "npm"
    tool.write_text(f'#!/bin/sh\nfor last; do :; done\ncp "{source}" "$last/"\n', "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_every_package_is_pinned_by_a_sha512_and_by_no_address() -> None:
    packages = pinned()
    assert set(packages) == set(WANTED)
    assert packages["mediaelement-media"].spec == "mediaelement@2.18.2"
    entries = json.loads(LOCK.read_text("utf-8"))["packages"].values()
    assert not any("resolved" in entry for entry in entries)


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    good = archive(tmp_path / "a.tgz", {"package/a.js": b"1"})
    check(good, integrity(good))
    other = archive(tmp_path / "b.tgz", {"package/a.js": b"2"})
    with pytest.raises(PackageTrouble, match="not the pinned package"):
        check(other, integrity(good))


def test_only_the_named_files_are_unpacked(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.tgz", {"package/dist/a.js": b"a", "package/dist/a.js.map": b"m", "package/b": b"b"})
    unpack(source, tmp_path / "out", ("dist/*.js",))
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["a.js"]


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.tgz", {"package/media/../../../evil": b"x"})
    with pytest.raises(PackageTrouble, match="leaves its folder"):
        unpack(source, tmp_path / "out", ("media/*",))
    assert not (tmp_path / "evil").exists()


def test_a_fetched_package_is_here_until_another_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = archive(tmp_path / "hls.js-1.tgz", {"package/dist/hls.min.js": b"js", "package/package.json": b"{}"})
    fake_npm(tmp_path, source, monkeypatch)
    package = Pinned(name="hls.js", spec="hls.js@1", integrity=integrity(source))
    into = tmp_path / "node_modules"
    assert not is_here(package, into)
    fetch(package, into)
    assert is_here(package, into) and (into / "hls.js/dist/hls.min.js").read_bytes() == b"js"
    newer = Pinned(name="hls.js", spec="hls.js@2", integrity="sha512-AAAA")
    assert not is_here(newer, into)
    with pytest.raises(PackageTrouble):
        fetch(newer, into)
    assert is_here(package, into)  # what was there stays


def test_without_a_registry_it_is_a_failure_in_ci_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://127.0.0.1:1")
    monkeypatch.setenv("CI", "false")
    assert main(["hls.js"], tmp_path) == 0 and "Players for tests are missing" in capsys.readouterr().err
    monkeypatch.setenv("CI", "true")
    assert main(["hls.js"], tmp_path) == 1
    assert main(["no-such-thing"]) == 2


def test_the_registry_is_npms_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    assert registry(tmp_path) == "https://registry.npmjs.org"
    (tmp_path / ".npmrc").write_text("nodedir=/x\nregistry = https://mirror.example/npm/\n")
    assert registry(tmp_path) == "https://mirror.example/npm"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://other.example")
    assert registry(tmp_path) == "https://other.example"
