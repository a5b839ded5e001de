from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from sqlalchemy import func, select

from pressroom.db import Base
from pressroom.mailing.subscriber import Subscriber
from pressroom.outbox import OutboxRow
from tests.mailing.bounce_shapes import OURS
from tests.mailing.makers import MailHouse
from tests.mailing.test_judging import Back
from tests.makers import make_newsroom, make_release
from tests.web.staff import House

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def back(mail: MailHouse, house: House) -> Back:
    return Back(mail, [OURS])


def links(back: Back) -> set[str]:
    got = back.received(OURS)
    html = got.message.get_body(("html",))
    assert html is not None
    found = re.findall(r'href="([^"]+)"', unescape(html.get_content()))
    found += re.findall(r"<(https:[^>]+)>", " ".join(str(value) for value in got.message.values()))
    return {
        one.removeprefix("https://press.example.org") for one in found if one.startswith("https://press.example.org")
    }


def everything(house: House) -> dict[str, Any]:
    """The rows of each table, but for what is due by the clock."""
    with house.database.reading() as tx:
        people = [tuple(row) for row in tx.execute(select(Subscriber.__table__))]
        counts = {
            name: tx.scalar(select(func.count()).select_from(table)) for name, table in Base.metadata.tables.items()
        }
        outbox = list(tx.scalars(select(OutboxRow.id)))
    return {"people": people, "counts": counts, "outbox": outbox}


def test_a_hundred_looks_at_every_link_of_a_mail_change_nothing(house: House, back: Back) -> None:
    found = links(back)
    assert any(one.startswith("/unsubscribe/") for one in found) and len(found) > 5
    before, program = everything(house), house.app.test_client(use_cookies=False)
    for path in found:
        for number in range(100):
            answer = program.get(path) if number % 2 else program.head(path)
            assert answer.status_code in (200, 302, 308), path
    assert everything(house) == before


def test_one_click_without_a_cookie_holds_at_once_and_a_forged_one_is_nothing(house: House, back: Back) -> None:
    path = next(one for one in links(back) if one.startswith("/unsubscribe/"))
    program = house.app.test_client(use_cookies=False)
    for wrong in (
        path[:-1],
        path + "A",
        path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1],
        "/unsubscribe/" + "A" * 32,
    ):
        assert program.post(wrong, data=ONE_CLICK).status_code == 404
    answer = program.post(path, data=ONE_CLICK)
    assert answer.status_code == 200 and not answer.headers.getlist("Set-Cookie")
    with house.database.reading() as tx:
        assert tx.get_one(Subscriber, back.ids[OURS]).left_at is not None


def test_one_click_holds_in_a_mailing_that_is_on_its_way(house: House, mail: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = mail.media_list(newsroom)
    ids = [mail.subscriber(newsroom, f"person{number}@example.org", [press]) for number in range(60)]
    mail.sink.rule("dot", delay=0.1)
    mailing_id = mail.mailing(make_release(house.database, newsroom))
    sender = threading.Thread(target=mail.send, kwargs={"terms": replace(mail.terms, connections=1)})
    sender.start()
    while not mail.sink.received:
        time.sleep(0.01)
    token = house.service.signer.token("unsubscribe", ids[-1])
    assert house.app.test_client(use_cookies=False).post(f"/unsubscribe/{token}", data=ONE_CLICK).status_code == 200
    assert len(mail.sink.received) < 50, "it was still under way"
    sender.join(60)
    progress = mail.progress(mailing_id)
    assert (progress.sent, progress.suppressed, progress.total) == (59, 1, 60)
    assert "person59@example.org" not in mail.sink.recipients()
