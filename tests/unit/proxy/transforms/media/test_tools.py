"""Which ffmpeg is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.transforms.media import tools

ALL = " V libx264 x\n A aac x\n A libopus x\n V libwebp x\n"
FILTERS = " .. loudnorm A->A x\n .. dynaudnorm A->A x\n .. scale V->V x\n .. fps V->V x\n"


def program(folder: Path, *, encoders: str = ALL, name: str = "ffmpeg", code: int = 0, configured: str = "") -> Path:
    """A program that answers as an ffmpeg with these encoders would."""
    path = folder / name
    body = f"""#!/bin/sh
for word in "$@"; do case $word in
  -version) printf 'ffmpeg version 7.7-test Copyright\\n{configured}\\n' ;;
  -encoders) printf '%s' '{encoders}' ;;
  -filters) printf '%s' '{FILTERS}' ;;
esac; done
exit {code}
"""
    path.write_text(body)
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    tools._chosen.cache_clear()


def test_the_one_on_the_path_is_taken_if_it_is_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = tools.find_ffmpeg()
    assert found is not None
    assert (found.ffmpeg, found.version, found.ffprobe) == (path, "7.7-test", None)


def test_ffprobe_is_the_one_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path)
    probe = program(tmp_path, name="ffprobe")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = tools.find_ffmpeg()
    assert found is not None
    assert found.ffprobe == probe


def test_one_that_lacks_an_encoder_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path, encoders=ALL.replace("libopus", "opus"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    first = tools.examined()[0]
    assert (first.ffmpeg, first.missing, first.fit) == (path, ("libopus",), False)
    found = tools.find_ffmpeg()
    assert found is None or found.ffmpeg != path


WHOLE = "configuration: --enable-gpl --enable-libx264 --enable-libopus --enable-libwebp --disable-sndio"


@pytest.mark.parametrize(
    ("configured", "missing"),
    [
        pytest.param(WHOLE, (), id="all-built-in"),
        pytest.param(WHOLE.replace("--enable-libwebp", ""), ("libwebp",), id="a-library-left-out"),
        pytest.param(f"{WHOLE} --disable-encoder=libwebp", ("libwebp",), id="an-encoder-left-out"),
        pytest.param(f"WARNING: library configuration mismatch\\n{WHOLE}", ("libwebp",), id="other-libraries"),
    ],
)
def test_a_build_that_says_it_has_all_is_not_asked_for_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: str, missing: tuple[str, ...]
) -> None:
    program(tmp_path, encoders=ALL.replace("libwebp", "png"), configured=configured)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert tools.examined()[0].missing == missing


def test_one_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, code=3)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert tools.examined()[0].error


def test_the_setting_names_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = program(tmp_path, name="mine")
    monkeypatch.setenv(tools.SETTING, str(chosen))
    found = tools.find_ffmpeg()
    assert found is not None
    assert found.ffmpeg == chosen
    monkeypatch.setenv(tools.SETTING, str(tmp_path / "nothing"))
    assert tools.find_ffmpeg() is None


def test_it_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    first = tools.find_ffmpeg()
    path.unlink()
    assert tools.find_ffmpeg() is first
