"""Covering a part of a picture by drawing on it, in a real browser."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.browser import test_journey as journey
from tests.releases import uploads
from tests.supervising.running import Running

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

pytestmark = pytest.mark.browser

service, page = journey.service, journey.page


def bring(page: playwright.Page, service: Running, folder: Path) -> None:
    """From the log-in to the page on which the picture that was just uploaded can be covered."""
    journey.log_in(page, service)
    address = journey.write(page)
    image = Image.new("RGB", (1000, 800), "white")
    image.paste("red", (500, 400, 750, 600))
    (folder / "IMG_4711.jpg").write_bytes(uploads.saved(image, "JPEG", quality=95))
    page.goto(f"{address}/pictures")
    page.get_by_label("File", exact=True).set_input_files(folder / "IMG_4711.jpg")
    for field in page.get_by_label("What it shows, for those who cannot see it").all():
        field.fill("Şîlan")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="Picture 1").wait_for()
    assert not journey.is_wider_than_the_phone(page)
    page.get_by_role("link", name="Cover parts …").click()
    page.get_by_role("heading", name="Cover parts of a picture").wait_for()


def draw(page: playwright.Page, left: float, top: float, right: float, bottom: float) -> None:
    page.locator(".canvas").evaluate("one => one.scrollIntoView({ block: 'center' })")
    frame = page.locator(".canvas img").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + left * frame["width"], frame["y"] + top * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + right * frame["width"], frame["y"] + bottom * frame["height"], steps=4)
    page.mouse.up()


def test_what_is_drawn_on_a_picture_is_covered(page: playwright.Page, service: Running, tmp_path: Path) -> None:
    bring(page, service, tmp_path)
    # From the lower right to the upper left, as people draw too.
    draw(page, 0.76, 0.76, 0.49, 0.49)
    first = page.locator("[data-box]").first
    drawn = {name: float(first.locator(f"[name={name}]").input_value()) for name in ("left", "top", "width", "height")}
    assert drawn == pytest.approx({"left": 49, "top": 49, "width": 27, "height": 27}, abs=0.7)
    draw(page, 0.1, 0.1, 0.1, 0.1)
    assert page.locator(".canvas rect").count() == 1, "a mere click covers nothing"
    # And by keyboard alone.
    second = page.locator("[data-box]").nth(1)
    for name in ("left", "top"):
        second.locator(f"[name={name}]").fill("0")
    for name in ("width", "height"):
        second.locator(f"[name={name}]").fill("10")
    assert page.locator(".canvas rect").count() == 2
    for left in (0.2, 0.3, 0.4):
        draw(page, left, 0.9, left + 0.05, 0.95)
    assert page.locator("[data-box]").count() == 5, "a row is added when all are taken"
    assert not journey.is_wider_than_the_phone(page)
    page.get_by_role("button", name="Cover these parts for good").click()
    page.get_by_text("The parts are covered.").wait_for()
    source = page.locator(".canvas img").get_attribute("src")
    image = Image.open(BytesIO(page.request.get(source).body())).convert("RGB")
    assert image.getpixel((600, 500)) == image.getpixel((50, 40)) == image.getpixel((225, 740)) == (0, 0, 0)
    assert image.getpixel((300, 300)) == (255, 255, 255)
