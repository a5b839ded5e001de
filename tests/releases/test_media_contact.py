from __future__ import annotations

from sqlalchemy import select, text

from pressroom.db import Database
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.revision import Revision
from tests.makers import make_newsroom, make_release


def test_contacts_are_kept_in_order_with_what_there_is_of_them(database: Database) -> None:
    contacts = [MediaContact("Berîvan", phone="+964 1"), MediaContact(email="press@example.org"), MediaContact()]
    make_release(database, make_newsroom(database), ["en"], contacts=contacts)
    with database.reading() as tx:
        assert tx.scalars(select(Revision)).one().contacts == tuple(contacts[:2])
        kept = str(tx.execute(text("SELECT contacts FROM revision")).scalar_one())
    assert "role" not in kept and "null" not in kept


def test_a_line_and_a_label_hold_what_there_is() -> None:
    assert MediaContact("B", "b@example.org", "1", "speaker").line == "B · speaker · b@example.org · 1"
    assert MediaContact(email="b@example.org", phone="1").line == "b@example.org · 1"
    assert MediaContact(email="b@example.org").label == "b@example.org"
