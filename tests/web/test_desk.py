from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import ledger
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.people.account import Role
from pressroom.releases import revision as revisions
from pressroom.releases.asset import Rendition, Size
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.translation import Translation
from tests.conftest import MakeConfig
from tests.mailing.digests import DigestHouse
from tests.mailing.makers import MailHouse
from tests.makers import TITLES, make_newsroom, make_release, make_revision_row
from tests.web.desk import at, mailings, public, publish, seen, stored
from tests.web.staff import House

SORANI = """کرێکارانی پردەکە گەڕانەوە سەر کار

سلێمانی، 20ی تشرینی دووەمی 2026. کرێکارانی پردەکە دوای نۆ ڕۆژ مانگرتن دەگەڕێنەوە سەر کار.

دواتر چی
لیژنەیەک هەموو مانگێک چاودێریی ڕێککەوتنەکە دەکات."""

WHO = (*(role.value for role in Role), "stranger")
READ, WRITE, LEAD = {"owner", "editor", "author", "viewer"}, {"owner", "editor", "author"}, {"owner", "editor"}

OWNER = {"owner"}
_RELEASE = "/desk/<slug>/releases/<release_id>"
_PICTURE = f"{_RELEASE}/pictures/<asset_id>"
_MAILING = "/desk/<slug>/mailings/<int(max=9223372036854775807):mailing_id>"

# Every page and act of the desk, and who may.
MATRIX: dict[tuple[str, str], set[str]] = {
    ("GET", "/desk/<slug>/"): READ,
    ("GET", "/desk/<slug>/new"): WRITE,
    ("POST", "/desk/<slug>/new"): WRITE,
    ("GET", "/desk/<slug>/settings"): OWNER,
    ("POST", "/desk/<slug>/settings"): OWNER,
    ("POST", "/desk/<slug>/settings/approval"): LEAD,
    ("POST", "/desk/<slug>/settings/accredited"): OWNER,
    ("POST", "/desk/<slug>/settings/beats"): OWNER,
    ("GET", "/desk/<slug>/record"): LEAD,
    ("GET", "/desk/<slug>/record.csv"): LEAD,
    ("GET", "/desk/<slug>/vanish"): LEAD,
    ("POST", "/desk/<slug>/vanish"): LEAD,
    ("GET", _RELEASE): READ,
    ("GET", f"{_RELEASE}/preview/<tag>"): READ,
    ("GET", f"{_RELEASE}/assets/<asset_id>.<extension>"): READ,
    ("GET", f"{_RELEASE}/assets/<asset_id>-print.<extension>"): READ,
    ("GET", f"{_RELEASE}/pictures"): READ,
    ("POST", f"{_RELEASE}/pictures"): WRITE,
    ("POST", f"{_PICTURE}/texts"): WRITE,
    ("POST", f"{_PICTURE}/faces"): WRITE,
    ("GET", f"{_PICTURE}/cover"): WRITE,
    ("POST", f"{_PICTURE}/cover"): WRITE,
    ("POST", f"{_PICTURE}/detach"): WRITE,
    ("GET", f"{_RELEASE}/text"): WRITE,
    ("POST", f"{_RELEASE}/text"): WRITE,
    ("POST", f"{_RELEASE}/ask"): WRITE,
    ("GET", f"{_RELEASE}/review"): LEAD,
    ("POST", f"{_RELEASE}/review"): LEAD,
    ("POST", f"{_RELEASE}/send-back"): LEAD,
    ("GET", f"{_RELEASE}/publish"): LEAD,
    ("POST", f"{_RELEASE}/publish"): LEAD,
    ("POST", f"{_RELEASE}/publish/<any(alone):alone>"): OWNER,
    ("GET", f"{_RELEASE}/embargo"): LEAD,
    ("POST", f"{_RELEASE}/embargo"): LEAD,
    ("POST", f"{_RELEASE}/unschedule"): WRITE,
    ("GET", f"{_RELEASE}/correct"): WRITE,
    ("POST", f"{_RELEASE}/correct"): WRITE,
    ("POST", f"{_RELEASE}/correct/<any(publish, alone):step>"): WRITE,
    ("GET", f"{_RELEASE}/proposal"): READ,
    ("POST", f"{_RELEASE}/proposal/<any(publish, withdraw):act>"): LEAD,
    ("GET", f"{_RELEASE}/retract"): LEAD,
    ("POST", f"{_RELEASE}/retract"): LEAD,
    ("GET", f"{_RELEASE}/vanish"): LEAD,
    ("POST", f"{_RELEASE}/vanish"): LEAD,
    ("GET", f"{_RELEASE}/assets/<asset_id>/vanish"): LEAD,
    ("POST", f"{_RELEASE}/assets/<asset_id>/vanish"): LEAD,
    ("GET", f"{_RELEASE}/mail"): LEAD,
    ("POST", f"{_RELEASE}/mail"): LEAD,
    ("GET", "/desk/<slug>/digests"): READ,
    ("GET", _MAILING): READ,
    ("POST", f"{_MAILING}/again"): LEAD,
    ("GET", f"{_MAILING}/progress.json"): READ,
    ("POST", f"{_MAILING}/<any(pause, resume, cancel):act>"): WRITE,
    ("GET", "/desk/<slug>/subscriptions"): OWNER,
    ("GET", "/desk/<slug>/suppressions"): LEAD,
    ("POST", "/desk/<slug>/suppressions/<int(max=9223372036854775807):subscriber_id>/lift"): LEAD,
    ("POST", "/desk/<slug>/stop"): WRITE,
    ("POST", "/desk/<slug>/allow"): LEAD,
}
# What there is none of in the test below: a correction that waits, a large picture, a text without a language, a beat.
NOT_THERE = ("/proposal", "-print", "/texts", "/settings/beats")


def test_the_matrix_names_every_route_of_the_desk(house: House) -> None:
    found = {
        (method, rule.rule)
        for rule in house.app.url_map.iter_rules()
        if rule.rule.startswith("/desk/") and not rule.rule.startswith("/desk/mailbox")
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }
    assert found == set(MATRIX) | {("GET", "/desk/")}


@pytest.mark.parametrize("who", WHO)
def test_each_role_may_do_what_its_row_says(house: House, mail: MailHouse, newsroom: Newsroom, who: str) -> None:
    subscriber_id = mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made = make_release(house.database, newsroom, ["en", "ckb"], pictures=1)
    mailing_id = mail.mailing(made, hold=timedelta(hours=1))
    other = make_newsroom(house.database, "other")
    browser = house.staff(newsroom if who != "stranger" else other, "owner" if who == "stranger" else who)
    values = {
        "<slug>": newsroom.slug,
        "<release_id>": made.id,
        "<tag>": "ckb",
        "<asset_id>": made.assets[0].id,
        "<extension>": "png",
        "<int(max=9223372036854775807):mailing_id>": str(mailing_id),
        "<int(max=9223372036854775807):subscriber_id>": str(subscriber_id),
        "<any(pause, resume, cancel):act>": "pause",
        "<any(publish, withdraw):act>": "publish",
        "<any(publish, alone):step>": "publish",
        "<any(alone):alone>": "alone",
    }
    for (method, rule), allowed in MATRIX.items():
        path = rule
        for name, value in values.items():
            path = path.replace(name, value)
        status = (browser.get(path) if method == "GET" else browser.send(path)).status_code
        expected = {200, 303, 409, 422} if who in allowed else {403}
        expected |= {404} if who in allowed and any(part in rule for part in NOT_THERE) else set()
        assert status in expected, (who, method, path, status)


def test_nobody_sees_the_desk_without_logging_in(house: House, newsroom: Newsroom) -> None:
    made, browser = make_release(house.database, newsroom, draft=True), house.browser()
    for method, rule in MATRIX:
        if method == "GET" and "mailing" not in rule:
            path = rule.replace("<slug>", "river").replace("<release_id>", made.id).replace("<tag>", "ckb")
            path = (
                path.replace("<asset_id>.<extension>", "x.png").replace("<asset_id>", "x").replace("<extension>", "png")
            )
            answer = browser.get(path)
            assert (answer.status_code, answer.location[:12]) == (303, "/login?next="), path
            assert TITLES["en"] not in answer.text
    assert browser.get("/desk/river/mailings/1/progress.json").status_code == 401


def test_a_release_of_another_newsroom_is_not_found(house: House, newsroom: Newsroom, mail: MailHouse) -> None:
    other = make_newsroom(house.database, "other")
    mail.subscriber(other, "reader@example.org", [mail.media_list(other)])
    made = make_release(house.database, other)
    mailing_id = mail.mailing(made, hold=timedelta(hours=1))
    browser = house.staff(newsroom, "owner")
    here = f"/desk/river/releases/{made.id}"
    for path in (here, f"{here}/preview/en", f"{here}/publish", f"{here}/mail", f"/desk/river/mailings/{mailing_id}"):
        assert browser.get(path).status_code == 404, path
    for path in (f"{here}/publish", f"{here}/retract", f"{here}/mail", f"{here}/text"):
        assert browser.send(path, **{"reason-en": "x"}).status_code == 404, path
    assert browser.send(f"/desk/river/mailings/{mailing_id}/cancel").status_code == 404
    assert mailings(house)[0].state is State.HELD and stored(house, made).status is Status.PUBLISHED


def test_the_first_page_leads_to_the_only_newsroom_and_lists_several(house: House, newsroom: Newsroom) -> None:
    account = house.add(newsroom, "viewer")
    browser = house.browser(account)
    assert browser.get("/desk/").location == "/desk/river/"
    house.add(make_newsroom(house.database, "lake"), "owner", "viewer@example.org")
    page = browser.get("/desk/").text
    assert "/desk/river/" in page and "/desk/lake/" in page


def test_the_list_says_how_each_release_stands(house: House, newsroom: Newsroom) -> None:
    make_release(house.database, newsroom, ["en"], titles={"en": "Only a draft"}, draft=True)
    later = house.now + timedelta(days=1)
    make_release(house.database, newsroom, ["en"], titles={"en": "Not before tomorrow"}, public_from=later)
    make_release(house.database, newsroom, ["en", "ckb"])
    page = unescape(house.staff(newsroom, "viewer").get("/desk/river/").text)
    rows = [row for row in page.split('<li class="row">') if "row-title" in row]
    assert len(rows) == 3
    for row in rows:
        word = "Draft" if "Only a draft" in row else "Scheduled" if "Not before tomorrow" in row else "Published"
        assert f">{word}<" in row
    assert "New release" not in page, "a viewer writes nothing"


def test_a_translation_made_from_an_older_text_is_marked(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    browser, mark = house.staff(newsroom, "viewer"), "Made from an older text"
    assert mark not in browser.get(at(made)).text
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["en"], "New title", "New body.", at=house.now, number=2))
    page = browser.get(at(made)).text
    assert page.count(mark) == 1 and "New title" in page and "Revision 2" in page


def test_times_are_in_the_newsrooms_zone_and_in_utc(house: House, newsroom: Newsroom) -> None:
    later = (house.now + timedelta(days=2)).replace(hour=21, minute=30, second=0, microsecond=0)
    made = make_release(house.database, newsroom, ["en"], public_from=later)
    page = house.staff(newsroom, "viewer").get(at(made)).text
    assert "12:30" in page and "Asia/Baghdad" in page and "21:30 UTC" in page


def test_a_preview_shows_the_newest_text_to_staff_only(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True, pictures=1)
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["ckb"], "سەردێڕی نوێ", "دەقی نوێ.", at=house.now, number=2))
    page = house.staff(newsroom, "viewer").get(at(made, "/preview/ckb"))
    assert '<html lang="ckb" dir="rtl">' in page.text and "سەردێڕی نوێ" in page.text and "دەقی نوێ." in page.text
    assert "preview-banner" in page.text and 'name="robots" content="noindex"' in page.text
    assert page.headers["Cache-Control"] == "private, no-store" and page.headers["X-Robots-Tag"] == "noindex"
    assert house.browser().get(public(made, "ckb")).status_code == 404
    assert "سەردێڕی نوێ" not in house.browser().get("/river/ckb/").text


def test_pictures_of_a_draft_are_served_to_staff_only(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True, pictures=1)
    browser = house.staff(newsroom, "viewer")
    with house.database.reading() as tx:
        asset = tx.get_one(Rendition, (made.assets[0].id, Size.WEB))
        pixels = asset.data
    found = re.search(r'<img src="([^"]+)"', browser.get(at(made, "/preview/en")).text)
    assert found is not None and found[1] == at(made, asset.path)
    shown = browser.get(found[1])
    assert shown.data == pixels and shown.mimetype == "image/png"
    assert shown.headers["Cache-Control"] == "private, no-store"
    assert house.browser().get(asset.path).status_code == 404
    elsewhere = make_release(house.database, newsroom, ["en"], draft=True)
    assert browser.get(at(elsewhere, asset.path)).status_code == 404


def test_a_pasted_statement_becomes_a_release_and_a_second_language_joins_it(house: House, newsroom: Newsroom) -> None:
    author = house.staff(newsroom, "author")
    english = "The bridge workers go back to work\n\nSilêmanî. The strike is over.\n\nWhat comes next\nA committee."
    made = author.send("/desk/river/new", language="en", text=english.replace("\n", "\r\n"), form="plain")
    assert made.status_code == 303, made.text
    again = author.send("/desk/river/new", language="en", text=english, form="plain")
    assert again.location == made.location, "sent twice, it is one release"
    added = author.send(f"{made.location}/text", language="ckb", text=SORANI, form="plain")
    assert added.location == made.location
    page = author.get(made.location).text
    assert "The bridge workers go back to work" in page and "کرێکارانی پردەکە گەڕانەوە سەر کار" in page
    preview = author.get(f"{made.location}/preview/ckb").text
    assert "لیژنەیەک هەموو مانگێک" in preview and re.search(r"<h[2-6][^>]*>دواتر چی", preview)
    with house.database.reading() as tx:
        release = tx.scalars(select(Release)).one()
        assert (release.status, release.source_language) == (Status.DRAFT, "en")
        sorani = tx.scalars(select(Translation).where(Translation.language == "ckb")).one()
        revision = revisions.newest(tx, sorani.id)
    assert revision is not None and revision.created_by is not None and revision.source_revision_id is not None


def test_beats_and_an_embargo_in_the_newsrooms_time_come_along(house: House, newsroom: Newsroom) -> None:
    make_release(house.database, newsroom, ["en"], beats=["water"])
    author = house.staff(newsroom, "author")
    sent = author.send(
        "/desk/river/new",
        language="en",
        text="# Nothing of this before Friday\n\nA *body*.",
        form="markdown",
        beats=["water", "unheard-of"],
        embargo="2030-01-04T09:00",
    )
    page = author.get(sent.location).text
    assert "Water" in page and "Unheard" not in page and "06:00 UTC" in page
    assert "<em>body</em>" in author.get(f"{sent.location}/preview/en").text


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"language": "en", "text": " \n"}, "Paste"),
        ({"language": "de", "text": SORANI}, "Choose"),
        ({"language": "ku", "text": SORANI}, "Choose"),
        ({"language": "ckb", "text": "ئاو " * 40_000}, "200 kB"),
        ({"language": "en", "text": "No headline here.", "form": "markdown"}, "headline"),
        ({"language": "en", "text": "---\nbeatz: [water]\n---\n# A\n\nB.", "form": "markdown"}, "Line 2"),
        ({"language": "en", "text": "# A title\n\n![x](../../secret.png)\n", "form": "markdown"}, "Line 3"),
        ({"language": "en", "text": "A headline\n\nA body.", "embargo": "soon"}, "date"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence_and_kept_in_the_form(
    house: House, newsroom: Newsroom, fields: dict[str, str], word: str
) -> None:
    answer = house.staff(newsroom, "author").send("/desk/river/new", **fields)
    assert answer.status_code == 422
    alert = re.search(r'role="alert"[^>]*>([^<]+)<', answer.text)
    assert alert is not None and word in unescape(alert[1]) and "/tmp" not in alert[1] and ".md" not in alert[1]
    assert fields["text"].strip()[:20] in unescape(answer.text)
    with house.database.reading() as tx:
        assert tx.scalars(select(Release)).all() == []


def test_a_text_much_like_another_asks_whether_it_is_meant(house: House, newsroom: Newsroom) -> None:
    author = house.staff(newsroom, "author")
    first = author.send("/desk/river/new", language="en", text="The bridge opens on Monday\n\nIt is done.")
    fields = {"language": "en", "text": "The bridge opens on Sunday\n\nIt is finished."}
    refused = author.send("/desk/river/new", **fields)
    assert refused.status_code == 422 and 'name="new"' in refused.text
    second = author.send("/desk/river/new", **fields, new="1")
    assert second.status_code == 303 and second.location != first.location


def test_the_text_of_what_is_public_cannot_be_replaced(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"])
    answer = house.staff(newsroom, "owner").send(at(made, "/text"), language="ckb", text=SORANI)
    assert answer.status_code == 409 and "published" in answer.text
    assert TITLES["ckb"] in house.browser().get(public(made, "ckb")).text


def test_publishing_makes_it_public_and_its_mailing_reaches_everybody(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    press = mail.media_list(newsroom)
    for number, tag in enumerate(["en", "ckb", "ckb"]):
        mail.subscriber(newsroom, f"reader{number}@example.org", [press], languages=[tag])
    mail.subscriber(newsroom, "unconfirmed@example.org", [press], confirmed=False)
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    editor = house.staff(newsroom, "editor")
    assert "3 people" in editor.get(at(made, "/publish")).text
    assert house.browser().get(public(made, "ckb")).status_code == 404
    answer = publish(editor, made, lists=["press"])
    assert answer.status_code == 303
    assert house.browser().get(public(made, "ckb")).status_code == 200
    (mailing,) = mailings(house)
    assert answer.location == f"/desk/river/mailings/{mailing.id}" and mailing.created_by is not None
    assert editor.get(f"{answer.location}/progress.json").json["state"] == "counting"
    expand(house.database, mailing.id, mail.ring)
    mail.send()
    found = editor.get(f"{answer.location}/progress.json").json
    assert (found["sent"], found["total"], found["settled"]) == (3, 3, 3)
    assert len(mail.sink.received) == 3


def test_a_scheduled_publication_is_hidden_until_its_time(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    answer = publish(house.staff(newsroom, "editor"), made, at="2030-01-04T09:00")
    assert answer.location == at(made)
    release = stored(house, made)
    assert release.public_from is not None and release.public_from.isoformat() == "2030-01-04T06:00:00+00:00"
    assert house.browser().get(public(made, "en")).status_code == 404


@pytest.mark.parametrize("fields", [{"hold": "-1"}, {"hold": "a"}, {"hold": "9" * 30}, {"hold": "٣"}, {"at": "x"}])
def test_wrong_terms_publish_nothing(house: House, newsroom: Newsroom, fields: dict[str, str]) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    answer = publish(house.staff(newsroom, "editor"), made, **fields)
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert stored(house, made).public_from is None and mailings(house) == []


def test_a_text_changed_after_it_was_shown_is_not_published(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.media_list(newsroom)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    shown = seen(editor, made)
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["en"], "Unseen", "Unseen.", at=house.now, number=2))
    answer = editor.send(at(made, "/publish"), seen=shown, hold="0", lists=["press"])
    assert answer.status_code == 409 and "Unseen" in answer.text
    assert stored(house, made).public_from is None and mailings(house) == []


def test_an_unknown_list_publishes_nothing(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    assert publish(house.staff(newsroom, "editor"), made, lists=["nobody"]).status_code == 404
    assert stored(house, made).public_from is None


def test_without_a_mail_server_a_mailing_is_refused_and_publishing_alone_is_not(
    config: Config, database: Database, newsroom: Newsroom, mail: MailHouse
) -> None:
    mail.media_list(newsroom)
    house = House(config, database)
    made = make_release(database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    refused = publish(editor, made, lists=["press"])
    assert refused.status_code == 422 and "MAIL_SERVER" in refused.text and stored(house, made).public_from is None
    assert publish(editor, made).status_code == 303
    assert editor.send(at(made, "/mail"), lists=["press"]).status_code == 422 and mailings(house) == []
    house.close()


def test_where_two_persons_are_wanted_the_writer_waits_for_the_second(house: House) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    writer = house.staff(newsroom, "editor")
    second = house.browser(house.add(newsroom, "owner", "second@example.org"))
    sent = writer.send("/desk/river/new", language="ckb", text=SORANI)
    shown = re.search(r'name="seen" value="([^"]*)"', writer.get(f"{sent.location}/publish").text)
    assert shown is not None
    asked = writer.send(f"{sent.location}/publish", seen=shown[1], hold="0")
    assert asked.location == sent.location
    with house.database.reading() as tx:
        assert tx.scalars(select(Release)).one().status is Status.IN_REVIEW
    page = writer.get(sent.location).text
    assert "second person" in page and "Owner" in page and "second@example.org" not in page
    assert "second@example.org" in second.get(sent.location).text
    assert second.send(f"{sent.location}/publish", seen=shown[1], hold="0").location == sent.location
    with house.database.reading() as tx:
        assert tx.scalars(select(Release)).one().status is Status.PUBLISHED


def test_taking_back_gives_the_reason_and_stops_the_mail(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    press = mail.media_list(newsroom)
    mail.subscriber(newsroom, "reader@example.org", [press])
    made = make_release(house.database, newsroom, ["en", "ckb"])
    mailing_id = mail.mailing(made, hold=timedelta(hours=1))
    editor = house.staff(newsroom, "editor")
    assert editor.send(at(made, "/retract"), **{"reason-en": "  "}).status_code == 422
    assert stored(house, made).retracted_at is None
    reasons = {"reason-en": "The figures were wrong.", "reason-ckb": "ژمارەکان هەڵە بوون."}
    assert editor.send(at(made, "/retract"), **reasons).location == at(made)
    gone = house.browser().get(public(made, "ckb"))
    assert gone.status_code == 410 and "ژمارەکان هەڵە بوون." in gone.text
    assert mail.progress(mailing_id).state is State.CANCELLED
    assert "The figures were wrong." in editor.get(at(made)).text
    assert publish(editor, made).status_code == 409


def test_a_mailing_is_paused_resumed_and_cancelled(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    press = mail.media_list(newsroom)
    mail.subscriber(newsroom, "reader@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    editor = house.staff(newsroom, "editor")
    started = editor.send(at(made, "/mail"), lists=["press"], hold="3600")
    again = editor.send(at(made, "/mail"), lists=["press"], hold="3600")
    assert again.location == started.location, "sent twice, it is one mailing"
    (mailing,) = mailings(house)
    expand(house.database, mailing.id, mail.ring)
    for act, state in (("pause", State.PAUSED), ("resume", State.HELD), ("cancel", State.CANCELLED)):
        assert editor.send(f"{started.location}/{act}").location == started.location
        assert mail.progress(mailing.id).state is state
    assert editor.send(f"{started.location}/resume").status_code == 409
    assert editor.get(f"{started.location}/pause").status_code == 405, "GET changes nothing"


def test_a_release_is_sent_again_to_one_person_with_a_reason(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    press = mail.media_list(newsroom)
    mail.subscriber(newsroom, "reader@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    mailing_id = mail.mailing(made)
    mail.send()
    editor, here = house.staff(newsroom, "editor"), f"/desk/river/mailings/{mailing_id}"
    assert f"{here}/again" in editor.get(here).text
    wrong = editor.send(f"{here}/again", address="nobody@example.org", reason="It never came.")
    assert wrong.status_code == 404 and "Nobody with this address" in wrong.text
    assert editor.send(f"{here}/again", address="reader@example.org", reason="").status_code == 422
    again = editor.send(f"{here}/again", address="Reader@example.org", reason="It never came.")
    assert again.status_code == 303 and again.location != here
    with house.database.reading() as tx:
        mail.rung = ledger.due_chunks(tx, house.database.now(tx))
    mail.send()
    assert dict(mail.sink.recipients()) == {"reader@example.org": 2}
    assert "Sent again to one person" in editor.get(again.location).text
    assert "It never came." in editor.get("/desk/river/record").text
    assert editor.send(f"{here}/again", address="reader@example.org", reason="a@b.org").status_code == 422
    assert f"{here}/again" not in house.staff(newsroom, "viewer").get(here).text


def test_digests_are_shown_with_what_became_of_them(house: House, mail: MailHouse) -> None:
    room = DigestHouse(mail)
    room.subscriber("daily@example.org")
    _, mailing_id = room.mailed("Bridge")
    editor = house.staff(room.newsroom, "editor")
    assert "No digest has left yet." in editor.get("/desk/river/digests").text
    assert "1 more person is told in a digest" in editor.get(f"/desk/river/mailings/{mailing_id}").text
    room.pass_time()
    room.leave()
    shown = editor.get("/desk/river/digests").text
    assert "Daily digests" in shown and "1 / 1 messages are done" in shown
    (digests,) = room.digests()
    page = editor.get(f"/desk/river/mailings/{digests}")
    assert page.status_code == 200 and "<h1>Digests</h1>" in page.text
    again = editor.send(f"/desk/river/mailings/{digests}/again", address="daily@example.org", reason="It never came.")
    assert again.status_code == 404
    assert editor.get(f"/desk/river/mailings/{digests}/progress.json").json["sent"] == 1


def test_a_test_of_a_draft_goes_to_one_address_in_every_language(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    press = mail.media_list(newsroom)
    mail.subscriber(newsroom, "reader@example.org", [press])
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    editor = house.staff(newsroom, "editor")
    assert editor.send(at(made, "/mail"), test="not an address").status_code == 422
    sent = editor.send(at(made, "/mail"), test="me@example.org", lists=["press"])
    (mailing,) = mailings(house)
    expand(house.database, mailing.id, mail.ring)
    mail.send()
    assert dict(mail.sink.recipients()) == {"me@example.org": 2}
    assert "Test mailing" in editor.get(sent.location).text
    assert editor.send(at(made, "/mail"), lists=["press"]).status_code == 409, "a draft is mailed to no list"


def test_progress_adds_up_and_is_told_only_when_it_changed(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    press = mail.media_list(newsroom)
    for number in range(5):
        mail.subscriber(newsroom, f"reader{number}@example.org", [press])
    mail.suppress("reader4@example.org")
    made = make_release(house.database, newsroom, ["en"])
    mailing_id = mail.mailing(made)
    viewer = house.staff(newsroom, "viewer")
    path = f"/desk/river/mailings/{mailing_id}/progress.json"
    states = "pending sending sent deferred bounced failed suppressed cancelled unknown".split()
    first = viewer.get(path)
    assert first.json["total"] == sum(first.json[name] for name in states) == 5 and first.json["pending"] == 5
    assert first.headers["Cache-Control"] == "private, no-cache"
    same = viewer.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304 and same.data == b""
    mail.send()
    changed = viewer.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200 and changed.json["total"] == sum(changed.json[name] for name in states) == 5
    assert (changed.json["sent"], changed.json["suppressed"], changed.json["settled"]) == (4, 1, 5)


def test_a_running_mailing_reloads_itself_without_a_script_and_a_finished_one_does_not(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    press = mail.media_list(newsroom)
    mail.subscriber(newsroom, "reader@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    mailing_id = mail.mailing(made)
    viewer, path = house.staff(newsroom, "viewer"), f"/desk/river/mailings/{mailing_id}"
    running = viewer.get(path).text
    assert '<noscript><meta http-equiv="refresh"' in running and "desk.js" in running
    assert "<progress" in running and 'aria-live="polite"' in running and "Cancel for good" not in running
    with house.database.transaction() as tx:
        tx.get_one(Mailing, mailing_id).state = State.FINISHED
    finished = viewer.get(path).text
    assert "http-equiv" not in finished and "desk.js" not in finished


def test_an_act_rings_the_workers_at_once(
    make_config: MakeConfig, database: Database, newsroom: Newsroom, mail: MailHouse, redis_url: str
) -> None:
    mail.media_list(newsroom)
    made = make_release(database, newsroom, ["en"], draft=True)
    url = database.url.replace("+psycopg", "")
    settings = {"database_url": url, "mail_server": "127.0.0.1", "redis_url": redis_url}
    house = House(make_config(**settings), database)
    editor, queue = (
        house.staff(newsroom, "editor"),
        Queue("default", connection=Redis.from_url(redis_url), serializer="json"),
    )
    assert publish(editor, made, lists=["press"]).status_code == 303
    assert queue.count == 1
    started = editor.send(at(made, "/mail"), test="me@example.org").location
    assert queue.count == 2
    for act in ("pause", "resume"):
        editor.send(f"{started}/{act}")
    assert queue.count == 3
    house.close()


def test_with_redis_away_publishing_goes_on(
    make_config: MakeConfig, database: Database, newsroom: Newsroom, mail: MailHouse
) -> None:
    mail.media_list(newsroom)
    made = make_release(database, newsroom, ["en"], draft=True)
    url = database.url.replace("+psycopg", "")
    settings = {"database_url": url, "mail_server": "127.0.0.1", "redis_url": "redis://127.0.0.1:1/0"}
    house = House(make_config(**settings), database)
    assert publish(house.staff(newsroom, "editor"), made, lists=["press"]).status_code == 303
    assert house.browser().get(public(made, "en")).status_code == 200 and len(mailings(house)) == 1
    house.close()


def test_no_page_of_the_desk_needs_inline_script_or_style(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.media_list(newsroom)
    made = make_release(house.database, newsroom, ["en", "ckb"])
    mailing_id = mail.mailing(made, hold=timedelta(hours=1))
    owner = house.staff(newsroom, "owner")
    pages = ["/desk/river/", "/desk/river/new", f"/desk/river/mailings/{mailing_id}"]
    pages += [at(made, more) for more in ("", "/preview/ckb", "/publish", "/retract", "/mail", "/text")]
    for path in pages:
        page = owner.get(path)
        assert page.status_code == 200, path
        assert not re.search(r"<script(?![^>]* src=)(?![^>]*ld\+json)|<style| style=| on[a-z]+=", page.text), path
        assert page.headers["Cache-Control"] == "private, no-store", path
        labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page.text))
        fields = set(re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page.text))
        assert fields <= labelled, path
