"""The announcement of a release: what a journalist gets, in one language."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pressroom import addresses, catalogues, languages
from pressroom.fragment import in_block, with_assets
from pressroom.languages import Direction
from pressroom.mailing import header
from pressroom.mailing.message import UNSUBSCRIBE, Letter, letter
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.mailing.steering import TEST
from pressroom.phrases import environment, translator
from pressroom.releases import asset as assets
from pressroom.releases import correction as corrections
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom, Said, said
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from pressroom.wrapping import display_width, first_strong, wrap

FONTS = {
    Direction.LTR: "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif",
    Direction.RTL: "Vazirmatn,'Noto Naskh Arabic','Segoe UI',Tahoma,'Geeza Pro',sans-serif",
}


def announce(
    tx: Session,
    base_url: str,
    release: Release,
    translation: Translation,
    revision: Revision,
    *,
    now: datetime,
    test: bool = False,
) -> Letter:
    """The letter for one translation as one revision has it. A test says so and cannot be unsubscribed from."""
    newsroom = tx.get_one(Newsroom, release.newsroom_id)
    tag = translation.language
    say = translator(tag)
    said = _particulars(tx, base_url, newsroom, release, translation, revision, now=now, test=test)
    return letter(
        sender_name=newsroom.name(tag),
        sender=newsroom.from_address,
        reply_to=newsroom.reply_to,
        subject=f"[{say('Test')}] {revision.title}" if test else revision.title,
        language=tag,
        text=tidy(environment(tag).get_template("release/body.txt").render(said), tag),
        html=environment(tag).get_template("release/body.html").render(said),
        headers={
            **list_headers(base_url, newsroom, tag),
            "Feedback-ID": feedback_id(newsroom, release.id, TEST if test else ANNOUNCEMENT, tag),
        },
        list_unsubscribe=not test,
    )


def _particulars(
    tx: Session,
    base_url: str,
    newsroom: Newsroom,
    release: Release,
    translation: Translation,
    revision: Revision,
    *,
    now: datetime,
    test: bool,
) -> dict[str, Any]:
    tag = translation.language
    say = translator(tag)
    name = newsroom.name(tag)
    # Letters carry no pictures: what is said of each stands in its place.
    words_only = {said.name: None for said, _ in assets.of_revision(tx, revision.id)}
    return {
        "language": tag,
        "dir": languages.direction(tag).value,
        "fonts": FONTS[languages.direction(tag)],
        "newsroom": name,
        "title": revision.title,
        "subtitle": revision.subtitle,
        "dateline": revision.dateline,
        "text": revision.text,
        "html": _Safe(in_block(with_assets(revision.html, words_only), tag)),
        "contacts": [contact.line for contact in revision.contacts],
        "about": newsroom.about.get(tag, ""),
        "url": base_url + addresses.release(newsroom.slug, tag, translation.slug),
        "others": _others(tx, base_url, newsroom, release, tag, now),
        "why": say("You get this because you are on the list of journalists who receive releases from %(newsroom)s.")
        % {"newsroom": name},
        "unsubscribe": "" if test else UNSUBSCRIBE,
        "corrections": _corrections(tx, newsroom, release, tag),
        "embargo": "" if _is_public(release, now) or test else under_embargo(release, newsroom, tag),
        "retest": say("This is a test. It was sent to one address only.") if test else "",
    }


def _is_public(release: Release, now: datetime) -> bool:
    return visibility.of_release(release, now) is Visibility.PUBLIC


def under_embargo(release: Release, newsroom: Newsroom, tag: str) -> str:
    """The line on top of what is not public yet, in the newsroom's time and in UTC; empty for what is not scheduled."""
    if release.public_from is None:
        return ""
    there = release.public_from.astimezone(newsroom.zone)
    when = f"{catalogues.day(there, tag)} {catalogues.clock(there, tag)}"
    return translator(tag)("Under embargo until %(time)s (%(zone)s; %(utc)s UTC): please publish nothing before.") % {
        "time": when,
        "zone": newsroom.time_zone,
        "utc": f"{release.public_from:%Y-%m-%d %H:%M}",
    }


def _corrections(tx: Session, newsroom: Newsroom, release: Release, tag: str) -> list[Said]:
    """What was corrected before this letter, in its language if the note has it."""
    notes = [one.notes for one in corrections.of_release(tx, release.id) if not one.minor]
    return [said(texts, tag, newsroom.languages) for texts in notes if any(texts.values())]


class _Safe(str):
    """HTML that was made safe when its revision was rendered."""

    def __html__(self) -> str:
        return self


def _others(
    tx: Session, base_url: str, newsroom: Newsroom, release: Release, tag: str, now: datetime
) -> list[dict[str, str]]:
    """The other translations that are public, in the newsroom's order."""
    out = []
    for other in translations.of_release(tx, release.id).values():
        if other.language != tag and visibility.of_translation(release, other, now) is Visibility.PUBLIC:
            known = languages.language(other.language)
            url = base_url + addresses.release(newsroom.slug, other.language, other.slug)
            out.append({"tag": other.language, "name": known.name, "dir": known.direction.value, "url": url})
    order = {one: place for place, one in enumerate(newsroom.languages)}
    return sorted(out, key=lambda one: (order.get(one["tag"], len(order)), one["tag"]))


def list_headers(base_url: str, newsroom: Newsroom, tag: str) -> dict[str, str]:
    """RFC 2919 and RFC 2369; the List-Id stays the same for ever, whatever the newsroom is called."""
    domain = header.ascii_domain(newsroom.from_address).rpartition("@")[2]
    owner = header.ascii_domain(newsroom.reply_to or newsroom.from_address)
    return {
        "List-Id": f"<{newsroom.slug}.{domain}>",
        "List-Archive": f"<{base_url}{addresses.language(newsroom.slug, tag)}>",
        "List-Subscribe": f"<{base_url}{addresses.subscribe(newsroom.slug)}>",
        "List-Help": f"<{base_url}/privacy>",
        "List-Owner": f"<mailto:{owner}>",
        "List-Post": "NO",
    }


def feedback_id(newsroom: Newsroom, release_id: str, purpose: str, tag: str) -> str:
    """By what large receivers count complaints: release, purpose, language, and a name of the sender that stays.

    The last is 5 to 15 characters long, as Google asks; nothing in it is of the recipient.
    """
    domain = header.ascii_domain(newsroom.from_address).rpartition("@")[2]
    sender = hashlib.sha256(f"{newsroom.slug}.{domain}".encode()).hexdigest()[:10]
    return f"{release_id}:{purpose.replace(':', '-')}:{tag}:pr{sender}"


def tidy(text: str, tag: str) -> str:
    """No gaps of more than one blank line; right-to-left lines that start with a Latin letter are marked as such."""
    paragraphs = re.sub(r"\n{3,}", "\n\n", text).strip("\n").split("\n")
    # Only what is not wrapped yet: the fixed parts around the text.
    lines = [line for one in paragraphs for line in (wrap(one) if display_width(one) > 78 else [one])]
    if languages.direction(tag) is Direction.RTL:
        lines = [f"\u200f{line}" if _needs_mark(line) else line for line in lines]
    return "\n".join(lines) + "\n"


def _needs_mark(line: str) -> bool:
    is_address = line.startswith(("http://", "https://")) or line == UNSUBSCRIBE
    return not is_address and first_strong(line) is Direction.LTR
