from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pressroom.errors import Conflict
from pressroom.mailing import retaining
from pressroom.mailing.delivery import Chunk, Delivery
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.notice import Notice
from pressroom.releases.release import Release
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release


def test_who_was_sent_what_is_forgotten_after_two_years_and_not_before(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "jane@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    mailing_id = house.mailing(made)
    house.send()
    then = house.now() + timedelta(days=730) - timedelta(hours=1)
    assert retaining.purge(house.database, now=then) == 0
    assert retaining.purge(house.database, now=then + timedelta(hours=2)) == 1
    with house.database.reading() as tx:
        left = [tx.execute(select(func.count()).select_from(one)).scalar_one() for one in (Delivery, Notice, Chunk)]
        assert (left, tx.get_one(Mailing, mailing_id).total) == ([0, 0, 0], 1)
    with house.database.transaction() as tx:
        tx.get_one(Release, made.id).public_from = house.now() - timedelta(days=731)
    with pytest.raises(Conflict, match="so old"):
        house.mailing(made)
