"""The life of a release on a running service: after each step pages, feeds, formats, search, export, mail and record
tell the same story; and what vanished has left no byte behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest

from pressroom.phrases import translator
from tests.releases.uploads import SECRETS, photograph, scene
from tests.sink import Sink
from tests.story.house import NEWSROOM, House, settled
from tests.story.telling import Telling, Text
from tests.story.traces import held, needles, told_in, windows

JANE, HAWAR, LEYLA, SAMIR = (
    "jane@example.org",
    "hawar@example.org",
    "leyla@example.org",
    "samir@example.org",
)
ROJDA, BARAN, GONE = "rojda@example.org", "baran@example.org", "gone@example.org"
PRESS = {JANE: "en", HAWAR: "ckb en", LEYLA: "kmr", SAMIR: "ar", GONE: "en", ROJDA: "kmr ckb en"}
LISTS = {"press": PRESS, "radio": {ROJDA: "kmr ckb en", BARAN: "kmr"}} | {
    slug: {ROJDA: "kmr ckb en"} for slug in ("papers", "agencies", "abroad")
}


@pytest.fixture
def house(tmp_path: Path, smtp_sink: Sink) -> Iterator[House]:
    house = House(tmp_path, smtp_sink)
    try:
        yield house.open()
    finally:
        house.running.end()


def _check(house: House, told: Telling, audit: Sequence[str], events: Sequence[str]) -> Path:
    """Returns the export."""
    settled(lambda: told.differences(house))
    folder = house.exported()
    assert told.export_differences(house, folder) == []
    assert house.audit(told.release_id) == list(audit)
    assert house.events(told.release_id) == list(events)
    return folder


def _heard(
    house: House, people: Mapping[str, str], has: Mapping[str, Sequence[str]], lacks: Sequence[str] = ()
) -> None:
    """Since this was last asked these people got one message each, in this language, that says this."""
    fresh = house.arrived()
    assert sorted((one.recipient, one.language) for one in fresh) == sorted(people.items())
    for one in fresh:
        said = f"{one.subject} {one.text}"
        assert [words for words in has.get(one.language, ()) if words not in said] == [], said
        assert [words for words in lacks if words in said] == [], said


def _bridge() -> Telling:
    said = {
        "en": (
            "New bridge opens to walkers",
            "Forty engineers built it.",
            "It took eight months.",
            "Buses folow soon.",
        ),
        "ckb": ("پردە نوێیەکە کرایەوە", "چل ئەندازیار دروستیان کرد.", "هەشت مانگی خایاند.", "پاسەکان بەم زووانە دێن."),
        "kmr": ("Pira nû vebû", "Çil endezyaran çêkir.", "Heşt meh dom kir.", "Otobus di demeke nêz de tên."),
    }
    picture = {
        "path": "bridge.jpg",
        "alt": "The bridge at dawn",
        "caption": "On the bridge",
        "credit": "Choman Archive",
    }
    return Telling({tag: Text(title, says) for tag, (title, *says) in said.items()}, "bridges", [picture])


FIRST_NOTE = {"en": "We gave the wrong time.", "ckb": "ماوەکەمان بە هەڵە نووسیبوو."}
SECOND_NOTE = {"en": "We gave the wrong number.", "ckb": "ژمارەکەمان بە هەڵە نووسیبوو.", "kmr": "Hejmar şaş bû."}
REASONS = {"en": "The bridge is not safe.", "ckb": "پردەکە سەلامەت نییە.", "kmr": "Pir ne ewle ye."}


FIRST = {JANE: "en", HAWAR: "ckb", LEYLA: "en", SAMIR: "en", GONE: "en", ROJDA: "ckb"}


def _published(house: House, told: Telling, picture: bytes, lists: Sequence[str]) -> None:
    for slug in lists:
        house.media_list(slug, LISTS[slug])
    (house.folder / told.assets[0]["path"]).write_bytes(picture)
    mail = ("--mail", *lists[:3], "--hold", "0")
    made = house.json("push", *told.write(house.folder, "en", "ckb"), "--newsroom", NEWSROOM, "--publish", *mail)
    told.learn(house, made["id"])
    _heard(house, FIRST, {tag: [one.title, *one.says] for tag, one in told.out.items()})


def test_a_release_is_translated_corrected_and_retracted_and_everything_tells_the_same(house: House) -> None:
    told = _bridge()
    _published(house, told, photograph(scene(1700, 1100)), ["press", "papers", "agencies", "radio", "abroad"])
    audit, events = ["submit", "publish", "start mailing", "finish mailing"], ["publication"]
    _check(house, told, audit, events)
    for path in told.pictures:
        served = house.page(path).answer.content
        assert not [secret for secret in SECRETS if secret in served]

    options = ("--newsroom", NEWSROOM, "--release", told.release_id, "--publish", "--mail", *LISTS, "--hold", "0")
    house.press("push", *told.write(house.folder, "kmr"), *options)
    told.learn(house, told.release_id)
    _heard(house, {BARAN: "kmr"}, {"kmr": told.texts["kmr"].says})
    audit += ["submit", "publish", "start mailing", "finish mailing"]
    _check(house, told, audit, [*events, "publication"])
    house.leave(GONE)
    _correct(house, told, audit)
    _retract(house, told, audit)


HAD = {JANE: "en", HAWAR: "ckb", LEYLA: "en", SAMIR: "en", ROJDA: "ckb", BARAN: "kmr"}


def _correct(house: House, told: Telling, audit: list[str]) -> None:
    """Once in English only, once in two languages, and once the spelling."""
    events = ["publication", "publication"]
    english, sorani, kurmanji = told.texts["en"], told.texts["ckb"], told.texts["kmr"]
    english.change("It took eight months.", "It took eleven months.")
    _correction(house, told, FIRST_NOTE, "en")
    sorani.missing = kurmanji.missing = True
    was_now = ["It took eight months.", "It took eleven months.", FIRST_NOTE["en"]]
    _heard(house, HAD, {"en": was_now, "ckb": [FIRST_NOTE["ckb"]], "kmr": [FIRST_NOTE["en"]]})
    audit += ["correct", "start mailing", "finish mailing"]
    _check(house, told, audit, [*events, "correction"])

    english.change("Forty engineers built it.", "Fourteen engineers built it.")
    sorani.change("چل ئەندازیار دروستیان کرد.", "چواردە ئەندازیار دروستیان کرد.")
    sorani.change("هەشت مانگی خایاند.", "یازدە مانگی خایاند.")
    _correction(house, told, SECOND_NOTE, "en", "ckb")
    sorani.missing = False
    changed = {tag: [part for pair in told.texts[tag].differences[-1:] for part in pair] for tag in ("en", "ckb")}
    _heard(house, HAD, {tag: [note, *changed.get(tag, [])] for tag, note in SECOND_NOTE.items()})
    audit += ["correct", "start mailing", "finish mailing"]
    _check(house, told, audit, [*events, "correction", "correction"])

    english.change("Buses folow soon.", "Buses follow soon.")
    house.press("correct", told.release_id, *told.write(house.folder, "en"), "--minor")
    _heard(house, {}, {})
    audit += ["correct"]
    folder = _check(house, told, audit, [*events, "correction", "correction", "correction"])
    former = told_in(folder, [*english.former, *sorani.former])
    assert former == {f"{NEWSROOM}/{tag}/{unquote(told.texts[tag].slug)}/changes.html" for tag in ("en", "ckb")}


def _correction(house: House, told: Telling, note: dict[str, str], *tags: str) -> None:
    notes = [part for tag, text in note.items() for part in ("--note", f"{tag}={text}")]
    house.press("correct", told.release_id, *told.write(house.folder, *tags), *notes)
    told.notes.append(note)
    told.corrected = True


def _retract(house: House, told: Telling, audit: list[str]) -> None:
    house.press("retract", told.release_id, *(f"--reason={tag}={text}" for tag, text in REASONS.items()))
    told.retracted = REASONS
    says = {tag: [reason, told.texts[tag].title] for tag, reason in REASONS.items()}
    _heard(house, HAD, says, [one for text in told.texts.values() for one in text.says])
    audit += ["retract", "start mailing", "finish mailing"]
    folder = _check(house, told, audit, ["publication", "publication", *["correction"] * 3, "retraction"])
    assert told_in(folder, [said for one in told.texts.values() for said in (*one.says, *one.former)]) == set()
    assert house.json("retract", told.release_id, "--reason", "Again.")["changed"] is False
    _heard(house, {}, {})


NAME, NAME_IN_SORANI = "Zerya Canbaz", "زێریا جانباز"
THIRD_NOTE = {"en": f"{NAME} told us that it is Monday.", "ckb": f"{NAME_IN_SORANI} وتی دووشەممە."}


def _opening() -> Telling:
    said = {
        "en": (f"{NAME} opens the footbridge", f"{NAME} cut the red ribbon.", "The footbridge opens on Friday."),
        "ckb": (f"{NAME_IN_SORANI} پردەکە دەکاتەوە", f"{NAME_IN_SORANI} شریتە سوورەکەی بڕی."),
    }
    picture = {"path": "Zerya-Canbaz.jpg", "alt": f"{NAME} at dawn", "caption": f"{NAME} speaks", "credit": NAME}
    more: dict[str, object] = {"contacts": [{"name": NAME, "phone": "+964 770 000 0000"}], "subtitle": f"By {NAME}"}
    return Telling({tag: Text(title, says) for tag, (title, *says) in said.items()}, "footbridges", [picture], more)


def test_a_name_a_picture_and_a_release_vanish_everywhere_and_leave_no_byte(house: House) -> None:
    told = _opening()
    _published(house, told, photograph(scene(1700, 1100)), ["press"])
    told.texts["en"].change("The footbridge opens on Friday.", "The footbridge opens on Monday.")
    _correction(house, told, THIRD_NOTE, "en")
    told.texts["ckb"].missing = True
    _heard(house, FIRST, {tag: [note] for tag, note in THIRD_NOTE.items()})
    audit = ["submit", "publish", "start mailing", "finish mailing", "correct", "start mailing", "finish mailing"]
    folder = _check(house, told, audit, ["publication", "correction"])
    words = [NAME, "Canbaz", NAME_IN_SORANI, "جانباز", *THIRD_NOTE.values(), "footbridges"]
    words += [part for text in told.texts.values() for part in (text.title, *text.says, *text.former)]
    said = {one: sorted(needles(one)) for one in words}
    picture = [one for _, data in house.renditions(told.release_id) for one in windows(data)]
    places = [house.running.data_dir, folder, house.running.directory]
    assert [one for one, found in said.items() if not held([house.running.data_dir], found)] == []
    assert [one for one in (NAME, NAME_IN_SORANI) if not held([folder], said[one])] == []
    assert sum(held([house.running.data_dir], picture).values()) > len(picture) * 0.9
    assert sum(held([folder], picture).values()) > len(picture) * 0.9

    _vanish_text(house, told, audit)
    folder = _check(house, told, audit, ["publication", "correction", "removal", "removal"])
    names = [one for part in (NAME, "Canbaz", NAME_IN_SORANI, "جانباز") for one in said[part]]
    assert held(places, names) == {} and told_in(folder, [NAME, NAME_IN_SORANI, "Zerya-Canbaz"]) == set()

    [asset_id] = {path.rpartition("/")[2].partition(".")[0].removesuffix("-print") for path in told.pictures}
    house.press("vanish", "--asset", asset_id, "--yes")
    told.learn(house, told.release_id)
    told.vanished.append(asset_id)
    _heard(house, {}, {})
    audit += ["vanish asset"]
    _check(house, told, audit, ["publication", "correction", *["removal"] * 3])
    assert held(places, picture) == {}

    _remove(house, told, audit)
    house.exported()
    house.close()
    assert held(places, [one for found in said.values() for one in found]) == {}
    assert held(places, picture) == {}


def _vanish_text(house: House, told: Telling, audit: list[str]) -> None:
    """Once as it is written in each script; typed in, so that it stands in no shell's history."""
    for name in (NAME, NAME_IN_SORANI):
        house.press("vanish", "--text", "-", "--newsroom", NEWSROOM, "--yes", typed=f"{name}\n")
        told.vanish(name)
    told.learn(house, told.release_id)
    _heard(house, {}, {})
    audit += ["vanish text", "vanish text"]


def _remove(house: House, told: Telling, audit: list[str]) -> None:
    house.press("vanish", told.release_id, "--tell", "--yes")
    told.removed = True
    asks = {tag: [translator(tag)("Please delete a release that we sent you")] for tag in ("en", "ckb")}
    said = [part for text in told.texts.values() for part in (text.title, *text.says)]
    _heard(house, FIRST, asks, [*said, NAME, NAME_IN_SORANI])
    audit += ["vanish release", "start mailing", "finish mailing"]
    folder = _check(house, told, audit, ["publication", "correction", *["removal"] * 4])
    assert told_in(folder, [*said, told.beat]) == set()
    house.press("vanish", told.release_id, "--tell", "--yes")
    _heard(house, {}, {})
