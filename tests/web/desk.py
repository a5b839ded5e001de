"""What tests of the desk ask again and again."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from pressroom import addresses
from pressroom.mailing.mailing import Mailing
from pressroom.releases.release import Release
from tests.makers import BODIES, TITLES, Made
from tests.web.staff import Browser, House


def at(made: Made, more: str = "") -> str:
    return f"/desk/{made.newsroom.slug}/releases/{made.id}{more}"


def public(made: Made, tag: str) -> str:
    return addresses.release(made.newsroom.slug, tag, made.translations[tag].slug)


def seen(browser: Browser, made: Made) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', browser.get(at(made, "/publish")).text)
    assert found is not None
    return found[1]


def stored(house: House, made: Made) -> Release:
    with house.database.reading() as tx:
        return tx.get_one(Release, made.id)


def mailings(house: House) -> list[Mailing]:
    with house.database.reading() as tx:
        return list(tx.scalars(select(Mailing).order_by(Mailing.id)))


def publish(browser: Browser, made: Made, **fields: Any) -> TestResponse:
    return browser.send(at(made, "/publish"), **{"seen": seen(browser, made), "hold": "0", **fields})


def corrected(made: Made, tag: str, was: str, now: str) -> dict[str, str]:
    """The fields of one language as a form filled from what `made` says, with a word changed."""
    text = f"# {TITLES[tag]}\n\n{BODIES[tag].replace(was, now)}"
    return {f"text-{tag}": text, f"began-{tag}": str(made.revisions[tag].id)}


def alert(answer: TestResponse) -> str:
    """The one sentence that says what is wrong."""
    found = re.search(r'role="alert"[^>]*>([^<]+)<', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])
