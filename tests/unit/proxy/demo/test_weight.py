"""What a page of the sample course weighs, and what it is made of."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import ImageFont

from proxy.demo.course.assets import filler, shell
from tests.unit.proxy.demo.browsing import LESSON, Browser, page

SHELL_GZIP_BYTES = {
    "/lib/requirejs/first.js": 675_000,
    "/theme/styles.php": 158_000,
    "course-sans.woff2": 157_000,
    "/theme/yui_combo.php": 84_000,
    "MathJax.js": 64_000,
    "/polyfill.min.js": 61_000,
}


async def test_the_shell_of_a_page_weighs_what_an_lms_shell_weighs(browser: Browser) -> None:
    html = await page(browser, LESSON)
    addresses = re.findall(r'(?:src|href)="(/(?:lib|theme)/[^"]+)"', html)
    for part, expected in SHELL_GZIP_BYTES.items():
        address = next(a for a in addresses if part in a)
        async with browser.get(address, headers={"Accept-Encoding": "gzip"}) as response:
            size = len(await response.read())
        assert abs(size - expected) <= expected * 0.1, (part, size)


async def test_a_cold_text_page_moves_about_one_and_a_quarter_megabytes(browser: Browser) -> None:
    packing = {"Accept-Encoding": "gzip"}
    async with browser.get(LESSON, headers=packing) as response:
        body = await response.read()
    html = gzip.decompress(body).decode()
    assert 58_000 <= len((await page(browser, "/mod/page/view.php?id=101")).encode()) <= 72_000
    total, seen = len(body), set(re.findall(r'(?:src|href)="(/(?:lib|theme|pluginfile)[^"]+)"', html))
    for address in seen:
        async with browser.get(address, headers=packing) as response:
            assert response.status == 200, address
            total += len(await response.read())
    assert 1_170_000 <= total <= 1_320_000, total


def test_filler_compresses_like_minified_code_and_is_the_same_each_time() -> None:
    part = next(p for p in shell.PARTS if p.name == "yui.js")
    first, second = shell.make(part), shell.make(part)
    assert first == second
    assert 2.9 <= len(first) / len(gzip.compress(first, 6)) <= 3.8
    assert filler.script(b"", seed=1, gzip_bytes=9_000) != filler.script(b"", seed=2, gzip_bytes=9_000)


@pytest.mark.skipif(shutil.which("node") is None, reason="node checks that the generated scripts parse")
@pytest.mark.parametrize("name", [p.name for p in shell.PARTS if p.name.endswith(".js")])
def test_generated_scripts_parse(course_dir: Path, name: str) -> None:
    subprocess.run(["node", "--check", str(course_dir / "shell" / name)], check=True, capture_output=True)


def test_the_web_font_is_a_real_font_with_cyrillic(course_dir: Path) -> None:
    face = ImageFont.truetype(str(course_dir / "shell" / "course-sans.woff2"), 40)
    assert face.getmask("Ж").getbbox() != face.getmask("\ue000").getbbox()
