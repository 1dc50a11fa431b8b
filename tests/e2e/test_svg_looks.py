"""A minified drawing looks as it did, to a browser's eye."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from skimage.metrics import structural_similarity

from proxy.transforms.image.svg import minify_svg
from tests.drawings import INKSCAPE, tangle

SIDE_PX = 640
LEAST_SSIM = 0.999


def seen(page: Page, drawing: bytes) -> np.ndarray:
    told = base64.b64encode(drawing).decode()
    image = f'<img style="width:{SIDE_PX}px;height:{SIDE_PX}px" src="data:image/svg+xml;base64,{told}">'
    page.set_content(f"<body style='margin:0;background:#fff'>{image}")
    page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))


@pytest.mark.browser
@pytest.mark.parametrize(
    "drawing", [INKSCAPE, tangle(1, 24), tangle(2, 640), tangle(3, 9000)], ids=["inkscape", "24", "640", "9000"]
)
def test_a_minified_drawing_looks_as_it_did(drawing: bytes, browser: Browser) -> None:
    made = minify_svg(drawing)
    assert isinstance(made, bytes) and len(made) < len(drawing) * 0.7
    page = browser.new_page(viewport={"width": SIDE_PX, "height": SIDE_PX})
    before, after = seen(page, drawing), seen(page, made)
    page.close()
    assert before.min() < 200  # something is drawn at all
    assert structural_similarity(before, after) >= LEAST_SSIM
