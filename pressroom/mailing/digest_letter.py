"""The letter of a digest: each release by headline, a paragraph and address, each in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from sqlalchemy.orm import Session

from pressroom import addresses, catalogues, languages
from pressroom.mailing.announcement import FONTS, feedback_id, list_headers, tidy
from pressroom.mailing.mailing import Mailing, of_digest
from pressroom.mailing.message import UNSUBSCRIBE, Letter, letter
from pressroom.mailing.subscriber import Frequency
from pressroom.phrases import environment, translator
from pressroom.releases import correction as corrections
from pressroom.releases.newsroom import Newsroom, Said, said
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation

# Stands in the text where the entries go.
_HERE = "\f"
_RULE = "--------"
_LONGEST = 600
_PARAGRAPH = re.compile(r"<p(?: [^>]*)?>(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class _Entry:
    """One release in its own language, which need not be the digest's."""

    language: str
    title: str
    lead: str
    url: str
    corrections: Sequence[Said]

    @property
    def dir(self) -> str:
        return languages.direction(self.language).value

    @property
    def fonts(self) -> str:
        return FONTS[languages.direction(self.language)]

    @property
    def read(self) -> str:
        return translator(self.language)("Read on the web")

    @property
    def correction(self) -> str:
        return translator(self.language)("Correction")


def letter_of(
    tx: Session,
    base_url: str,
    newsroom: Newsroom,
    mailing: Mailing,
    tag: str,
    told: Sequence[tuple[Translation, Revision]],
) -> Letter:
    """For everybody who is told of these texts, in a frame of language `tag`."""
    assert mailing.covers_until is not None
    entries = [_entry(tx, base_url, newsroom, translation, revision) for translation, revision in told]
    name = newsroom.name(tag)
    day = catalogues.day(mailing.covers_until.astimezone(newsroom.zone), tag)
    subject = translator(tag)("Releases from %(newsroom)s, %(day)s") % {"newsroom": name, "day": day}
    given = {
        "language": tag,
        "dir": languages.direction(tag).value,
        "fonts": FONTS[languages.direction(tag)],
        "newsroom": name,
        "subject": subject,
        "why": _why(mailing, tag) % {"newsroom": name},
        "unsubscribe": UNSUBSCRIBE,
    }
    return letter(
        sender_name=name,
        sender=newsroom.from_address,
        reply_to=newsroom.reply_to,
        subject=subject,
        language=tag,
        text=_text(tag, given, entries),
        html=environment(tag).get_template("digest/body.html").render({**given, "entries": entries}),
        headers={
            **list_headers(base_url, newsroom, tag),
            "Feedback-ID": feedback_id(newsroom, str(mailing.id), mailing.purpose, tag),
        },
    )


def _entry(tx: Session, base_url: str, newsroom: Newsroom, translation: Translation, revision: Revision) -> _Entry:
    tag = translation.language
    notes = [one.notes for one in corrections.of_release(tx, translation.release_id) if not one.minor]
    return _Entry(
        language=tag,
        title=revision.title,
        lead=revision.subtitle or _first_paragraph(revision.html),
        url=base_url + addresses.release(newsroom.slug, tag, translation.slug),
        corrections=[said(texts, tag, newsroom.languages) for texts in notes if any(texts.values())],
    )


def _first_paragraph(html: str) -> str:
    """Of the text rendered from the revision, without its tags."""
    for found in _PARAGRAPH.finditer(html):
        if words := " ".join(unescape(_TAG.sub("", found[1])).split()):
            return words if len(words) <= _LONGEST else words[:_LONGEST].rpartition(" ")[0] + " …"
    return ""


def _text(tag: str, given: dict[str, str], entries: Sequence[_Entry]) -> str:
    """Each entry is tidied by its own direction, and what stands around them by the digest's."""
    frame = environment(tag).get_template("digest/body.txt").render({**given, "entries": _HERE})
    head, _, foot = frame.partition(_HERE)
    parts = []
    for one in entries:
        template = environment(one.language).get_template("digest/entry.txt")
        parts.append(tidy(template.render(one=one), one.language))
    return "\n".join((tidy(head, tag), f"\n{_RULE}\n\n".join(parts), tidy(foot, tag)))


def _why(mailing: Mailing, tag: str) -> str:
    say = translator(tag)
    if mailing.purpose == of_digest(Frequency.DAILY):
        return say("You get this because you asked %(newsroom)s for one message a day.")
    if mailing.purpose == of_digest(Frequency.WEEKLY):
        return say("You get this because you asked %(newsroom)s for one message a week.")
    return say("This waited for you. From now on %(newsroom)s sends you each release at once, as you asked.")
