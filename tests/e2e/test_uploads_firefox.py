"""A heavy file over a link that is cut, and a film made smaller, in Firefox."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from pathlib import Path

import pytest

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.cuts import link_to
from tests.e2e.harness.firefox import Firefox, find_firefox, firefox
from tests.e2e.harness.probing import played_s, probed
from tests.e2e.harness.tropa import TropaProcess
from tests.media_samples import film
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

missing = find_firefox() is None and os.environ.get("CI") != "true"
pytestmark = pytest.mark.skipif(missing, reason="no Firefox on this machine")
HER = USERS["teacher1"]
FORUM = "/mod/forum/discuss.php?d=11"
# 3 MB whose every byte follows from its place.
CHOOSE = """(() => {
  const bytes = new Uint8Array(3000000);
  for (let i = 0; i < bytes.length; i++) { bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 255; }
  const box = new DataTransfer(), input = document.querySelector("#id_file");
  box.items.add(new File([bytes], "Опыт по физике.mp4", { type: "video/mp4", lastModified: 1 }));
  input.files = box.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
})()"""
DATA = bytes((i * 31 + (i >> 8) * 7 + (i >> 16)) & 255 for i in range(3_000_000))


async def log_in(browser: Firefox, base: str) -> None:
    await browser.open(f"{base}/login/index.php")
    await browser.run(f"document.querySelector('#username').value = {HER.login!r}")
    await browser.run(f"document.querySelector('#password').value = {HER.password!r}")
    await browser.click("#loginbtn")
    await browser.until("location.pathname === '/my/' && document.readyState === 'complete'")


async def test_stopped_it_meets_the_courses_own_error_else_it_goes_on_by_itself_and_arrives_once(
    house: TropaProcess, course: RunningCourse, tmp_path: Path
) -> None:
    before = len(course.state.uploads)
    with link_to(house.ports["metered"]) as link:
        async with firefox(tmp_path / "profile") as browser:
            base = f"http://127.0.0.1:{link.port}"
            await log_in(browser, base)
            await browser.open(base + FORUM)
            await browser.until("window.tropaUploads")
            lost = "/connection was lost/"  # in the language of the browser
            link.cut_after(400_000, up=True)
            await browser.run(CHOOSE)
            await browser.until(f"{lost}.test(document.body.innerText)")
            await browser.run(f"{button('Cancel')}.click()")
            await browser.until("/выберите файл ещё раз/.test(document.body.innerText)")
            link.mend()
            link.cut_after(1_200_000, up=True)
            await browser.run(CHOOSE)
            await browser.until(f"{lost}.test(document.body.innerText)")
            assert link.cuts == 2
            link.mend()
            await browser.until("/Опыт по физике.mp4: загружен/.test(document.body.innerText)")
    [upload] = course.state.uploads[before:]
    assert (upload.filename, upload.sha256) == ("Опыт по физике.mp4", hashlib.sha256(DATA).hexdigest())


def chosen(path: Path, kind: str) -> str:
    """A script that chooses this file, as a hand does."""
    return f"""(() => {{
      const bytes = Uint8Array.from(atob({b64encode(path.read_bytes()).decode()!r}), (one) => one.charCodeAt(0));
      const box = new DataTransfer(), input = document.querySelector("#id_file");
      box.items.add(new File([bytes], {path.name!r}, {{ type: {kind!r} }}));
      input.files = box.files;
      input.dispatchEvent(new Event("change", {{ bubbles: true }}));
    }})()"""


def button(label: str) -> str:
    return f"[...document.querySelectorAll('.tropa-send button')].find((one) => one.textContent.startsWith({label!r}))"


@needs_ffmpeg
async def test_a_film_is_made_smaller_and_goes_whole(
    house: TropaProcess, course: RunningCourse, tmp_path: Path
) -> None:
    before, lesson = len(course.state.uploads), film(seconds=5, kbps=2500)
    async with firefox(tmp_path / "profile") as browser:
        base = f"http://127.0.0.1:{house.ports['metered']}"
        await log_in(browser, base)
        await browser.open(base + FORUM)
        await browser.until("window.tropaUploads")
        await browser.run(chosen(lesson, "video/mp4"))
        await browser.until(button("Make it smaller"))
        await browser.run(f"{button('Make it smaller')}.click()")
        await browser.until(button("Send it smaller"))
        await browser.run(f"{button('Send it smaller')}.click()")
        await browser.until("/: загружен/.test(document.body.innerText)")
    [upload] = course.state.uploads[before:]
    told = probed(upload.path)
    assert upload.filename.endswith(".webm") and upload.size_bytes < lesson.stat().st_size * 0.8
    assert abs(told["seconds"] - 5) < 1 and abs(played_s(upload.path) - 5) < 1
    assert told["video"]["width"] == 640 and told["audio"]["codec_name"] == "opus"
