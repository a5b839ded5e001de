"""The fields of a correction: one text for each language that is out, and a note in each language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _

from pressroom.errors import Conflict, Refused
from pressroom.releases import drafting
from pressroom.releases.revision import BodyForm, Revision
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation
from pressroom.web import auth
from pressroom.web.desk import sheet, terms, texts
from pressroom.web.desk.room import Room


@dataclass(frozen=True)
class Field:
    """One language that is out: what is public, and what its field holds. `is_stale`: that was written from a text
    that is not public any more.
    """

    translation: Translation
    revision: Revision
    text: str
    is_changed: bool = False
    is_stale: bool = False

    @property
    def language(self) -> str:
        return self.translation.language

    @property
    def public(self) -> str:
        """As a field holds it before anybody changes it."""
        return texts.shown(self.revision)


def of_release(entered: Room, release_id: str) -> list[Field]:
    """Raises Conflict where nothing is out."""
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    fields = [_field(entered, one.translation) for one in found.texts if one.is_out]
    if not fields:
        raise Conflict(_("Only what is public is corrected; change the text of this release instead."))
    return fields


def _field(entered: Room, translation: Translation) -> Field:
    """What nobody changed since it was loaded follows what is public now."""
    public = entered.tx.get_one(Revision, translation.revision_id)
    given = request.form.get(f"text-{translation.language}")
    if given is None:
        return Field(translation, public, texts.shown(public))
    begun = _begun(translation.language)
    loaded = entered.tx.get(Revision, begun)
    untouched = [public, *([loaded] if loaded is not None and loaded.translation_id == translation.id else [])]
    if _plain(given) in [_plain(texts.shown(one)) for one in untouched]:
        return Field(translation, public, texts.shown(public))
    return Field(translation, public, given, is_changed=True, is_stale=begun != public.id)


def _plain(text: str) -> str:
    """Browsers send line ends of their own."""
    return text.replace("\r\n", "\n").strip()


def _begun(language: str) -> int:
    """The revision from which a field was filled, as its page names it; 0 for none."""
    found = terms.seen(request.form.get(f"began-{language}", ""))
    return found[0] if len(found) == 1 else 0


def began_from(statements: Sequence[Statement]) -> dict[str, int]:
    return {one.language: _begun(one.language) for one in statements}


def statements(entered: Room, release_id: str) -> list[Statement]:
    """Those that somebody changed. Raises Refused if there is none, and Conflict for one that is stale."""
    fields = [one for one in of_release(entered, release_id) if one.is_changed]
    if any(one.is_stale for one in fields):
        raise Conflict(
            _("Somebody corrected this text after you opened it. What is public now stands beside yours: take it over.")
        )
    out = []
    for field in fields:
        is_markdown = field.revision.form is BodyForm.MARKDOWN
        statement = texts.read_back(entered.tx, field.translation, field.revision, field.text, is_markdown=is_markdown)
        if drafted(entered, field, statement).content_hash != field.revision.content_hash:
            out.append(statement)
    if not out:
        raise Refused(_("The texts are as they were: change one first."))
    return out


def drafted(entered: Room, field: Field, statement: Statement) -> Revision:
    return drafting.draft(field.translation, statement, {}, now=entered.now, by=auth.account_id())


def notes(entered: Room, release_id: str) -> dict[str, str]:
    """In the languages of the newsroom, and of the texts on the form."""
    tags = [*entered.newsroom.languages, *(one.language for one in of_release(entered, release_id))]
    given = {tag: request.form.get(f"note-{tag}", "").strip() for tag in dict.fromkeys(tags)}
    return {tag: note for tag, note in given.items() if note}


def kept(fields: Iterable[Field], notes: Mapping[str, str], *, minor: bool) -> dict[str, str]:
    """The form as it was sent, for the next one to send again."""
    kept = {f"note-{tag}": note for tag, note in notes.items()}
    for one in fields:
        kept |= {f"text-{one.language}": one.text, f"began-{one.language}": str(one.revision.id)}
    return {**kept, "minor": "1"} if minor else kept
