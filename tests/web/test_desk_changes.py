from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import State
from pressroom.mailing.notice import RETRACTION
from pressroom.mailing.subscriber import Subscriber
from pressroom.people.account import Role
from pressroom.releases import correction as corrections
from pressroom.releases.asset import Asset, Kind, Rendition
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from tests.mailing.makers import MailHouse
from tests.makers import BODIES, TITLES, Made, make_newsroom, make_release
from tests.web.desk import alert, at, corrected, mailings, public, stored
from tests.web.staff import Browser, House

NOTE = {"note-en": "An earlier version said that the bridge was open.", "note-ckb": "وەشانی پێشوو هەڵە بوو."}


def shut(made: Made) -> dict[str, str]:
    return corrected(made, "en", "is open", "is shut")


def waiting(house: House, made: Made) -> Correction | None:
    with house.database.reading() as tx:
        return corrections.proposal(tx, made.id)


def made_public(house: House, made: Made) -> list[Correction]:
    with house.database.reading() as tx:
        return corrections.of_release(tx, made.id)


def read(browser: Browser, made: Made) -> str:
    """What the page of the proposal says that it shows."""
    found = re.search(r'name="seen" value="([^"]*)"', browser.get(at(made, "/proposal")).text)
    assert found is not None
    return found[1]


def changed_to(house: House, made: Made) -> dict[str, int]:
    """By language, the revisions that are proposed."""
    proposed = waiting(house, made)
    assert proposed is not None
    with house.database.reading() as tx:
        changes = corrections.changes(tx, proposed.id)
        return {tag: changes[one.id].after_id for tag, one in made.translations.items() if one.id in changes}


def hidden_fields(page: str) -> dict[str, str]:
    found = re.findall(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    return {name: unescape(text) for name, text in found}


def test_a_correction_is_written_checked_and_then_public(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made = make_release(house.database, newsroom, ["en", "ckb"], pictures=1)
    mail.mailing(made)
    mail.send()
    editor = house.staff(newsroom, "editor")
    form = editor.get(at(made, "/correct")).text
    assert unescape(form).count(BODIES["en"]) == 1 and BODIES["ckb"] in form
    checked = editor.send(at(made, "/correct"), **shut(made), **NOTE)
    assert checked.status_code == 200 and made_public(house, made) == []
    page = unescape(checked.text)
    assert "Was" in page and "The bridge is open." in page and "Now" in page and "The bridge is shut." in page
    assert "Buses follow" not in page.partition("What readers are told")[0], "only what differs is shown"
    again = editor.send(at(made, "/correct"), **hidden_fields(checked.text), again="1")
    assert "The bridge is shut." in unescape(again.text) and 'name="text-en"' in again.text
    assert editor.send(at(made, "/correct/publish"), **hidden_fields(checked.text)).location == at(made)
    reader = house.browser().get(public(made, "en")).text
    assert "The bridge is shut." in reader and NOTE["note-en"] in unescape(reader)
    assert made.assets[0].id in reader, "its picture stays"
    follow_up = mailings(house)[-1]
    assert follow_up.purpose == "correction:1"
    expand(house.database, follow_up.id, mail.ring)
    assert mail.progress(follow_up.id).total == 1
    desk = unescape(editor.get(at(made)).text)
    assert "Corrections" in desk and NOTE["note-ckb"] in desk and "Mail about a correction" in desk


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"text-en": f"# {TITLES['en']}\n\nIt is shut."}, "note"),
        ({"text-en": " ", **NOTE}, "Paste"),
        ({**NOTE}, "as they were"),
        ({"text-en": "# Only a headline with ![x](secret.png)\n\n![x](secret.png)", **NOTE}, "secret.png"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_and_kept_in_the_form(
    house: House, newsroom: Newsroom, fields: dict[str, str], word: str
) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"])
    begun = {f"began-{tag}": str(one.id) for tag, one in made.revisions.items()}
    answer = house.staff(newsroom, "editor").send(at(made, "/correct"), **begun, **fields)
    assert answer.status_code == 422 and word in alert(answer)
    assert fields.get("note-en", "") in unescape(answer.text)
    assert made_public(house, made) == [] and waiting(house, made) is None


def test_spelling_alone_needs_no_note_and_tells_nobody(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made = make_release(house.database, newsroom, ["en"])
    mail.mailing(made)
    mail.send()
    editor = house.staff(newsroom, "editor")
    fields = {**corrected(made, "en", "bridge is open", "brigde is open"), "minor": "1"}
    assert "nobody is told" in editor.send(at(made, "/correct"), **fields).text
    assert editor.send(at(made, "/correct/publish"), **fields).location == at(made)
    (made_one,) = made_public(house, made)
    assert made_one.minor and len(mailings(house)) == 1


def test_only_what_is_public_is_corrected(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    answer = house.staff(newsroom, "editor").get(at(made, "/correct"))
    assert answer.status_code == 409


def test_an_authors_correction_waits_and_a_second_person_publishes_it(house: House) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    made = make_release(house.database, newsroom, ["en", "ckb"])
    author, second = house.staff(newsroom, "author"), house.staff(newsroom, "owner")
    checked = author.send(at(made, "/correct"), **shut(made), **NOTE)
    assert "Propose the correction" in checked.text and "Publish alone" not in checked.text
    proposed = author.send(at(made, "/correct/publish"), **shut(made), **NOTE)
    assert proposed.location == at(made, "/proposal") and made_public(house, made) == []
    assert "is open" in house.browser().get(public(made, "en")).text
    assert author.get(at(made, "/correct")).location == at(made, "/proposal")
    page = author.get(at(made, "/proposal")).text
    assert "The bridge is shut." in page and "Withdraw" in page and "Publish the correction" not in page
    assert author.send(at(made, "/proposal/publish")).status_code == 403
    assert "A correction waits" in second.get(at(made)).text
    assert second.send(at(made, "/proposal/publish"), seen=read(second, made)).location == at(made)
    assert [one.number for one in made_public(house, made)] == [1]
    assert "is shut" in house.browser().get(public(made, "en")).text
    assert second.get(at(made, "/proposal")).status_code == 404


def test_a_writer_cannot_publish_their_own_correction_but_may_withdraw_it(house: House) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    made = make_release(house.database, newsroom, ["en"])
    writer = house.staff(newsroom, "editor")
    writer.send(at(made, "/correct/publish"), **shut(made), **NOTE)
    proposed = str(changed_to(house, made)["en"])
    refused = writer.send(at(made, "/proposal/publish"), seen=proposed)
    assert refused.status_code == 403 and "second person" in alert(refused) and made_public(house, made) == []
    assert house.staff(newsroom, "viewer").send(at(made, "/proposal/withdraw")).status_code == 403
    assert writer.send(at(made, "/proposal/withdraw")).location == at(made)
    assert waiting(house, made) is None and "is open" in house.browser().get(public(made, "en")).text


def test_an_owner_corrects_alone_with_a_reason(house: House) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    made = make_release(house.database, newsroom, ["en"])
    owner, editor = house.staff(newsroom, "owner"), house.staff(newsroom, "editor")
    assert "Publish alone" in owner.send(at(made, "/correct"), **shut(made), **NOTE).text
    assert editor.send(at(made, "/correct/alone"), **shut(made), **NOTE, reason="Now.").status_code == 403
    assert owner.send(at(made, "/correct/alone"), **shut(made), **NOTE, reason="").status_code == 422
    assert made_public(house, made) == [] and waiting(house, made) is None
    alone = owner.send(at(made, "/correct/alone"), **shut(made), **NOTE, reason="A number to call is wrong.")
    assert alone.location == at(made)
    assert len(made_public(house, made)) == 1


def test_a_retraction_tells_those_who_had_it(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made = make_release(house.database, newsroom, ["en"])
    mail.mailing(made)
    mail.send()
    house.staff(newsroom, "editor").send(at(made, "/retract"), **{"reason-en": "It was wrong."})
    assert mailings(house)[-1].purpose == RETRACTION


def scheduled(house: House, newsroom: Newsroom) -> Made:
    made = make_release(house.database, newsroom, ["en"], public_from=datetime(2030, 1, 4, 6, 0, tzinfo=UTC))
    with house.database.transaction() as tx:
        tx.get_one(Release, made.id).embargo_until = datetime(2030, 1, 4, 6, 0, tzinfo=UTC)
    return made


def test_an_embargo_is_moved_and_lifted_and_those_who_had_it_early_are_told(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    known = mail.subscriber(newsroom, "known@example.org", [mail.media_list(newsroom)])
    with house.database.transaction() as tx:
        tx.get_one(Subscriber, known).accredited_at = house.now
    made, editor = scheduled(house, newsroom), house.staff(newsroom, "editor")
    early = editor.send(at(made, "/mail"), lists=["press"], hold="0", under_embargo="1")
    assert early.status_code == 303 and mailings(house)[0].under_embargo
    expand(house.database, mailings(house)[0].id, mail.ring)
    mail.send()
    page = editor.get(at(made, "/embargo")).text
    assert 'value="2030-01-04T09:00"' in page and "public at once" in page
    assert editor.send(at(made, "/embargo"), until="2030-01-05T09:00").location == at(made)
    moved = stored(house, made).public_from
    assert moved == datetime(2030, 1, 5, 6, 0, tzinfo=UTC)
    assert [one.purpose.partition(":")[0] for one in mailings(house)] == ["announcement", "embargo"]
    assert editor.send(at(made, "/embargo"), until="").status_code == 422
    assert editor.send(at(made, "/embargo"), until="tomorrow").status_code == 422
    assert stored(house, made).public_from == moved
    assert editor.send(at(made, "/embargo"), lift="1").location == at(made)
    assert house.browser().get(public(made, "en")).status_code == 200
    assert editor.send(at(made, "/embargo"), until="2030-01-05T09:00").status_code == 409, "what is public stays so"


def test_an_author_takes_a_schedule_back(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made, author = scheduled(house, newsroom), house.staff(newsroom, "author")
    mail.mailing(made)
    assert "Take the schedule back" in author.get(at(made)).text
    assert author.send(at(made, "/embargo"), lift="1").status_code == 403
    assert author.send(at(made, "/unschedule")).location == at(made)
    release = stored(house, made)
    assert (release.public_from, release.status) == (None, Status.APPROVED)
    assert mailings(house)[0].state is State.CANCELLED


def test_a_release_vanishes_once_somebody_is_sure(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made = make_release(house.database, newsroom, ["en", "ckb"], pictures=1)
    mail.mailing(made)
    mail.send()
    editor = house.staff(newsroom, "editor")
    page = editor.get(at(made, "/vanish")).text
    for cannot in ("mail that was sent", "copies that others have taken", "feeds that were read", "backups"):
        assert cannot in page
    assert editor.send(at(made, "/vanish"), tell="1").status_code == 422
    assert house.browser().get(public(made, "en")).status_code == 200
    assert editor.send(at(made, "/vanish"), tell="1", sure="1").location == at(made)
    gone = house.browser().get(public(made, "en"))
    assert gone.status_code == 410 and TITLES["en"] not in gone.text
    desk = editor.get(at(made)).text
    assert "Removed" in desk and TITLES["en"] not in desk and "Remove for good" not in desk
    assert TITLES["ckb"] not in editor.get("/desk/river/").text
    assert mailings(house)[-1].purpose == "removal"
    with house.database.reading() as tx:
        assert tx.scalars(select(Rendition.asset_id)).all() == []
        assert set(tx.scalars(select(Revision.body))) == {""}


def test_one_picture_vanishes_from_its_release_only(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], pictures=2)
    other = make_release(house.database, newsroom, ["en"])
    editor, asset = house.staff(newsroom, "editor"), made.assets[0]
    path = at(made, f"/assets/{asset.id}/vanish")
    assert "What cannot be called back" in editor.get(path).text
    assert editor.send(path).status_code == 422
    assert editor.send(at(other, f"/assets/{asset.id}/vanish"), sure="1").status_code == 404
    assert house.browser().get(f"/assets/{asset.id}.png").status_code == 200
    assert editor.send(path, sure="1").location == at(made)
    assert house.browser().get(f"/assets/{asset.id}.png").status_code == 404
    assert house.browser().get(f"/assets/{made.assets[1].id}.png").status_code == 200


def test_a_name_is_looked_for_first_and_then_removed_everywhere(house: House, newsroom: Newsroom) -> None:
    bodies = {"en": "Şîlan Ehmed spoke. Nobody else did.", "ckb": "شیلان ئەحمەد قسەی کرد."}
    made = make_release(house.database, newsroom, ["en", "ckb"], bodies=bodies, contacts=[])
    other = make_release(house.database, newsroom, ["en"], titles={"en": "Another"}, bodies=bodies, contacts=[])
    editor = house.staff(newsroom, "editor")
    assert editor.send("/desk/river/vanish", passage="x").status_code == 422
    found = editor.send("/desk/river/vanish", passage="Şîlan Ehmed")
    assert "in 2 releases" in found.text and TITLES["en"] in found.text and "feeds that were read" in found.text
    assert "Şîlan" in house.browser().get(public(made, "en")).text, "looking removes nothing"
    nowhere = editor.send("/desk/river/vanish", passage="Nobody Atall")
    assert "They stand in no release" in nowhere.text
    one = editor.send("/desk/river/vanish", passage="Şîlan Ehmed", release_id=made.id)
    assert "in 1 release" in one.text
    done = editor.send("/desk/river/vanish", **confirming(one.text), sure="1")
    assert "out of 1 release" in done.text and "Şîlan" not in done.text
    assert "Şîlan" not in house.browser().get(public(made, "en")).text
    assert "Şîlan" in house.browser().get(public(other, "en")).text
    everywhere = editor.send("/desk/river/vanish", passage="Şîlan Ehmed")
    editor.send("/desk/river/vanish", **confirming(everywhere.text), sure="1")
    assert "Şîlan" not in house.browser().get(public(other, "en")).text


def confirming(page: str) -> dict[str, str]:
    """What the form that removes sends along."""
    form = page[page.index("<textarea name=") :]
    inputs = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form)
    return hidden_fields(form) | {name: unescape(value) for name, value in inputs}


def test_words_that_nobody_looked_for_are_not_removed(house: House, newsroom: Newsroom) -> None:
    bodies = {"en": "Şîlan Ehmed spoke. Nobody else did."}
    made = make_release(house.database, newsroom, ["en"], bodies=bodies, contacts=[])
    editor = house.staff(newsroom, "editor")
    assert editor.send("/desk/river/vanish", passage="Nobody", sure="1").status_code == 409
    seen = confirming(editor.send("/desk/river/vanish", passage="Şîlan Ehmed").text)
    other = editor.send("/desk/river/vanish", **{**seen, "passage": "Nobody"}, sure="1")
    assert other.status_code == 409 and confirming(other.text)["passage"] == "Nobody", "it only looks again"
    assert editor.send("/desk/river/vanish", **seen).status_code == 422
    more = make_release(house.database, newsroom, ["en"], titles={"en": "More"}, bodies=bodies, contacts=[])
    again = editor.send("/desk/river/vanish", **seen, sure="1")
    assert again.status_code == 409 and "in 2 releases" in again.text, "more was found since"
    for one in (made, more):
        assert bodies["en"] in house.browser().get(public(one, "en")).text
    assert editor.send("/desk/river/vanish", **confirming(again.text), sure="1").status_code == 200
    assert "Şîlan" not in house.browser().get(public(made, "en")).text


def test_the_screens_say_what_else_goes_and_what_is_not_covered(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], pictures=1, beats=["silan-ehmed"])
    same = make_release(house.database, newsroom, ["en"], titles={"en": "The same"}, pictures=1, beats=["silan-ehmed"])
    with house.database.transaction() as tx:
        tx.get_one(Asset, made.assets[0].id).kind = Kind.DOCUMENT
    editor = house.staff(newsroom, "editor")
    page = editor.get(at(made, f"/assets/{made.assets[0].id}/vanish")).text
    assert "other releases" in page and f'href="{at(same)}"' in page
    assert "export again" in page and "nobody looks into them" in page
    assert "other releases" not in editor.get(at(make_release(house.database, newsroom, ["en"]), "/vanish")).text
    found = editor.send("/desk/river/vanish", passage="The bridge is open", release_id=made.id).text
    assert "not looked at" in found and at(made, f"/assets/{made.assets[0].id}/vanish") in found
    assert "picture-0.png" in found and "export again" in found
    assert "stays" in editor.send("/desk/river/vanish", passage="Silan Ehmed", release_id=made.id).text
    assert "1 beat" in editor.send("/desk/river/vanish", passage="Silan Ehmed").text


def test_words_of_another_newsroom_are_neither_found_nor_removed(house: House, newsroom: Newsroom) -> None:
    lake = make_newsroom(house.database, "lake")
    made = make_release(house.database, lake, ["en"], bodies={"en": "Şîlan Ehmed spoke."}, contacts=[])
    editor = house.staff(newsroom, "editor")
    assert "no release" in editor.send("/desk/river/vanish", passage="Şîlan Ehmed").text
    assert editor.send("/desk/river/vanish", passage="Şîlan Ehmed", release_id=made.id, sure="1").status_code == 404
    assert editor.send("/desk/lake/vanish", passage="Şîlan Ehmed", sure="1").status_code == 403
    for act in ("/vanish", "/correct/publish", "/embargo", "/unschedule", "/ask", "/review", "/proposal/withdraw"):
        answer = editor.send(f"/desk/river/releases/{made.id}{act}", sure="1", lift="1", **shut(made), **NOTE)
        assert answer.status_code == 404, act
    assert "Şîlan" in house.browser().get(public(made, "en")).text


def pages(made: Made) -> list[str]:
    found = [at(made, more) for more in ("/review", "/embargo", "/correct", "/vanish", "/pictures")]
    return [*found, "/desk/river/settings", "/desk/river/record", "/desk/river/vanish"]


def test_the_pages_of_a_releases_life_need_no_inline_script_or_style(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"], pictures=1)
    owner: Browser = house.browser(house.add(newsroom, Role.OWNER))
    checked = owner.send(at(made, "/correct"), **shut(made), **NOTE)
    answers = [checked, *[owner.get(path) for path in pages(made)]]
    for page in answers:
        assert page.status_code == 200, page.request.path
        assert not re.search(r"<script(?![^>]* src=)(?![^>]*ld\+json)|<style| style=| on[a-z]+=", page.text)
        labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page.text))
        fields = set(re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page.text))
        assert fields <= labelled, page.request.path
        assert not re.search(r"\b(left|right)-", page.text.partition("</head>")[2]), "no physical sides"
    css = (Path(__file__).parents[2] / "pressroom/web/static/desk.css").read_text()
    assert not re.search(r"(margin|padding|border)-(left|right)|text-align: (left|right)|float:", css)


def test_a_lifted_embargo_takes_a_second_person_where_one_is_wanted(house: House) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    made = scheduled(house, newsroom)
    writer = house.add(newsroom, Role.EDITOR)
    with house.database.transaction() as tx:
        tx.get_one(Revision, made.revisions["en"].id).created_by = writer
    refused = house.browser(writer).send(at(made, "/embargo"), lift="1")
    assert refused.status_code == 403 and "second person" in alert(refused)
    assert stored(house, made).public_from == datetime(2030, 1, 4, 6, 0, tzinfo=UTC)
    later = house.browser(writer).send(at(made, "/embargo"), until="2031-01-04T09:00")
    assert later.location == at(made), "later never takes one"
    assert stored(house, made).public_from == datetime(2031, 1, 4, 6, 0, tzinfo=UTC)
