"""A person at the desk, in a real browser, with the real service behind it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervising.running import Running

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

pytestmark = pytest.mark.browser

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
_QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_PHONE = {"width": 375, "height": 740}
_TIMEOUT = 30_000

TEXTS = {
    "en": "The ferry sails again from Monday\n\nShinav. The ferry was repaired in nine days.",
    "ckb": "بەلەمەکە لە دووشەممەوە دەکەوێتەوە کار\n\nشیناو. بەلەمەکە لە نۆ ڕۆژدا چاک کرایەوە.",
    "kmr": "Keştî ji duşemê ve dîsa dixebite\n\nŞînav. Keştî di neh rojan de hate çêkirin.",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "data")
    try:
        yield running.ready()
        assert running.stop() == 0
    finally:
        running.end()


@pytest.fixture
def page(service: Running) -> Iterator[playwright.Page]:
    if _CHROMIUM is None:
        pytest.skip("no Chromium is on PATH: `make browser` installs it")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=_QUIET)
        context = browser.new_context(viewport=_PHONE, locale="en-GB", base_url=service.address)
        context.set_default_timeout(_TIMEOUT)
        page = context.new_page()
        blocked: list[str] = []
        page.on("console", lambda message: blocked.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: blocked.append(str(error)))
        yield page
        assert blocked == [], "the browser complained"
        browser.close()


def log_in(page: playwright.Page, service: Running) -> None:
    found = re.search(r"First login: (\S+) / (\S+) at", service.out)
    assert found is not None
    page.goto("/desk/")
    page.get_by_label("E-mail address").fill(found[1])
    page.get_by_label("Password").fill(found[2])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Releases").wait_for()


def write(page: playwright.Page) -> str:
    """A release in three languages; its address at the desk."""
    page.get_by_role("link", name="New release").click()
    for tag, text in TEXTS.items():
        page.get_by_label("Language of the text").select_option(tag)
        page.get_by_label("The statement").fill(text)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="Languages", exact=True).wait_for()
        address = page.url
        if tag != "kmr":
            page.get_by_role("link", name="Add a language").click()
    return address


def is_wider_than_the_phone(page: playwright.Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def test_from_the_log_in_to_the_mail_that_was_sent(page: playwright.Page, service: Running, tmp_path: Path) -> None:
    log_in(page, service)
    address = write(page)
    page.get_by_role("link", name="Preview کوردیی ناوەندی").click()
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.get_by_text("Preview: not public").is_visible()
    assert page.locator(".preview-banner").get_attribute("dir") == "ltr", "the banner speaks to staff"
    assert page.get_by_role("heading", level=1).inner_text() == TEXTS["ckb"].split("\n")[0]
    assert not is_wider_than_the_phone(page)

    page.goto(address)
    page.get_by_role("link", name="Publish …").click()
    page.get_by_label(re.compile("Journalists")).check()
    page.get_by_label("Seconds to wait").fill("2")
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/mailings/*")
    marked = page.evaluate("window.stayed = true")
    page.locator("[data-label=finished]").wait_for(state="visible")
    assert marked and page.evaluate("window.stayed"), "the page followed the mailing without being loaded again"
    counts = {one.get_attribute("data-count"): int(one.inner_text()) for one in page.locator("[data-count]").all()}
    assert counts["sent"] == counts["total"] == counts["settled"] > 0
    assert page.get_by_role("button", name="Pause").is_hidden()

    for tag, direction in (("ckb", "rtl"), ("kmr", "ltr")):
        page.goto(f"/zagros-rivers/{tag}/")
        page.get_by_role("link", name=TEXTS[tag].split("\n")[0]).click()
        assert page.locator("html").get_attribute("dir") == direction
        assert page.get_by_role("heading", level=1).inner_text() == TEXTS[tag].split("\n")[0]
        assert not is_wider_than_the_phone(page)
        picture = tmp_path / f"release.{tag}.png"
        page.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 10_000

    page.goto("/desk/mailbox")
    page.locator("a[lang=ckb]").first.click()
    frame = page.frame_locator("iframe")
    assert frame.locator("html").get_attribute("dir") == "rtl"
    assert frame.get_by_role("heading", level=1).is_visible()


def test_every_page_of_the_desk_fits_a_phone_and_a_thumb(page: playwright.Page, service: Running) -> None:
    log_in(page, service)
    address = write(page)
    for path in ("/desk/zagros-rivers/", "/desk/zagros-rivers/new", address, f"{address}/publish", f"{address}/mail"):
        page.goto(path)
        assert not is_wider_than_the_phone(page), path
        for control in page.locator("main button:visible, main a.button:visible, main select:visible").all():
            box = control.bounding_box()
            assert box is not None and box["height"] >= 44, (path, control.inner_text())
