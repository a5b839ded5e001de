"""What those who were sent a release read when it is corrected, taken back or removed, or its embargo changes."""

from __future__ import annotations

import email
import email.policy
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pressroom.db import Database
from pressroom.mailing import notice, steering
from pressroom.mailing.announcement import announce
from pressroom.mailing.follow_up import letter_of
from pressroom.mailing.message import Letter
from pressroom.releases import vanishing
from pressroom.releases.release import Release
from pressroom.releases.retracting import retract
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from tests.makers import BODIES, LANGUAGES, Made, make_correction, make_newsroom, make_release

GOLDEN = Path(__file__).parents[1] / "golden"
BASE = "https://press.example.org"
SECRET = "https://press.example.org/unsubscribe/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
EMBARGO = NOW + timedelta(days=1, hours=12)

_OPEN = {"en": "The bridge is open.", "ckb": "پردەکە کراوەیە.", "kmr": "Pir vekirî ye."}
_OPENS = {"en": "The bridge opens on Monday.", "ckb": "پردەکە دووشەممە دەکرێتەوە.", "kmr": "Pir duşemê vedibe."}
# The text is not corrected in Arabic: its readers have the note all the same.
_CORRECTED = {tag: BODIES[tag].replace(_OPEN[tag], _OPENS[tag]) for tag in _OPENS}
_NOTES = {
    "en": "We wrote that the bridge is open. It opens on Monday.",
    "ckb": "نووسیبوومان پردەکە کراوەیە. پردەکە دووشەممە دەکرێتەوە.",
    "kmr": "Me nivîsîbû ku pir vekirî ye. Pir duşemê vedibe.",
    "ar": "كتبنا أن الجسر مفتوح. يُفتتح الجسر يوم الاثنين.",
}
_REASONS = {
    "en": "The city has not given its permit.",
    "ckb": "شارەوانی مۆڵەتی نەداوە.",
    "kmr": "Şaredariyê destûr nedaye.",
    "ar": "لم تمنح البلدية الترخيص.",
}


def _made(database: Database, public_from: datetime = NOW) -> Made:
    newsroom = make_newsroom(database, "river", reply_to="newsdesk@example.org", at=NOW)
    return make_release(database, newsroom, public_from=public_from, release_id="4k2m9q4x1abc")


def _letter(database: Database, made: Made, tag: str, purpose: str, now: datetime) -> Letter:
    with database.reading() as tx:
        release, translation = tx.get_one(Release, made.id), tx.get_one(Translation, made.translations[tag].id)
        if purpose == notice.ANNOUNCEMENT:
            revision = tx.get_one(Revision, translation.revision_id)
            return announce(tx, BASE, release, translation, revision, now=now)
        mailing = steering.new_mailing(release, purpose, [], hold_until=now, now=now, by=None)
        return letter_of(tx, BASE, mailing, release, translation, now=now)


def _mail(letter: Letter, now: datetime = NOW) -> bytes:
    return letter.fill(
        recipient="hawar@example.net", name="هاوار", message_id="<1@example.org>", unsubscribe=SECRET, now=now
    )


def _correction(database: Database) -> tuple[Made, str, datetime]:
    made = _made(database)
    make_correction(database, made, _CORRECTED, _NOTES, at=LATER)
    return made, notice.of_correction(1), LATER


def _corrected_before(database: Database) -> tuple[Made, str, datetime]:
    made, _, _ = _correction(database)
    return made, notice.ANNOUNCEMENT, LATER


def _retraction(database: Database) -> tuple[Made, str, datetime]:
    made = _made(database)
    retract(database, made.id, _REASONS, now=LATER)
    return made, notice.RETRACTION, LATER


def _removal(database: Database) -> tuple[Made, str, datetime]:
    made = _made(database)
    vanishing.vanish_release(database, made.id, now=LATER)
    return made, notice.REMOVAL, LATER


def _embargoed(database: Database) -> tuple[Made, str, datetime]:
    return _made(database, EMBARGO), notice.ANNOUNCEMENT, NOW


def _embargo_moved(database: Database) -> tuple[Made, str, datetime]:
    return _made(database, EMBARGO), notice.of_embargo(1), NOW


def _embargo_lifted(database: Database) -> tuple[Made, str, datetime]:
    return _made(database), notice.of_embargo(1), LATER


KINDS = {
    "correction": _correction,
    "corrected-before": _corrected_before,
    "retraction": _retraction,
    "removal": _removal,
    "embargoed": _embargoed,
    "embargo-moved": _embargo_moved,
    "embargo-lifted": _embargo_lifted,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_mails_are_the_golden_ones(database: Database, kind: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew; then read the difference as a journalist would."""
    made, purpose, now = KINDS[kind](database)
    for tag in LANGUAGES:
        mail = _mail(_letter(database, made, tag, purpose, now), now).decode("ascii").replace("\r\n", "\n")
        path = GOLDEN / f"{kind}.{tag}.eml"
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(mail, encoding="ascii")
        assert path.read_text(encoding="ascii") == mail


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_both_parts_say_the_same_and_name_their_language(database: Database, kind: str, tag: str) -> None:
    made, purpose, now = KINDS[kind](database)
    mail = _mail(_letter(database, made, tag, purpose, now), now)
    text, html = _part(mail, "plain"), _part(mail, "html")
    direction = "rtl" if tag in ("ckb", "ar") else "ltr"
    assert f'<html lang="{tag}" dir="{direction}">' in html
    assert _words(re.sub(r"<style.*?</style>|<title>.*?</title>|<[^>]+>", " ", html, flags=re.DOTALL)) == _words(text)


def test_a_note_in_another_language_says_which_it_is(database: Database) -> None:
    made = _made(database)
    make_correction(database, made, {"en": _CORRECTED["en"]}, {"en": _NOTES["en"]}, at=LATER)
    html = _part(_mail(_letter(database, made, "ckb", notice.of_correction(1), LATER)), "html")
    assert re.search(rf'<p lang="en" dir="ltr"[^>]*>{re.escape(_NOTES["en"])}</p>', html)


def test_a_removal_names_nothing_of_what_was_removed(database: Database) -> None:
    made, purpose, now = _removal(database)
    for tag in LANGUAGES:
        mail = _mail(_letter(database, made, tag, purpose, now))
        said = _part(mail, "plain") + _part(mail, "html")
        assert made.revisions[tag].title not in said and made.id not in said
        assert made.translations[tag].slug not in said


def test_a_release_that_is_put_off_names_no_time(database: Database) -> None:
    made = _made(database, EMBARGO)
    with database.transaction() as tx:
        tx.get_one(Release, made.id).public_from = None
    text = _part(_mail(_letter(database, made, "en", notice.of_embargo(2), NOW)), "plain")
    assert "put off" in text and "UTC" not in text


def _words(text: str) -> set[str]:
    # The parts differ in how they show an address, and only one of them can be wrapped.
    return set(re.findall(r"\w+", re.sub(r"https?://\S+", " ", text)))


def _part(data: bytes, kind: str) -> str:
    part = email.message_from_bytes(data, policy=email.policy.default).get_body((kind,))
    assert part is not None
    return str(part.get_content())
