"""Texts in fields of the desk: how a pasted one is read, and how a present one stands in its field and is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from pressroom.clean_text import clean_line
from pressroom.errors import Refused, StatementRefused
from pressroom.releases import asset as assets
from pressroom.releases.reading import read_statements
from pressroom.releases.revision import BodyForm, Revision
from pressroom.releases.statement import KeptAsset, Statement
from pressroom.releases.translation import Translation

LARGEST = 200_000  # bytes of UTF-8

_HEADING = re.compile(r"#\s+")


def read(pasted: str, language: str, *, is_markdown: bool) -> Statement:
    """A pasted statement, understood exactly as a pushed file. Raises Refused, with the line where there is one."""
    return _read(pasted, language, is_markdown=is_markdown, beside=())


def shown(revision: Revision) -> str:
    """The headline and the text of a revision as `read_back` takes them."""
    headline = f"# {revision.title}" if revision.form is BodyForm.MARKDOWN else revision.title
    return f"{headline}\n\n{revision.body}"


def read_back(tx: Session, translation: Translation, present: Revision, pasted: str, *, is_markdown: bool) -> Statement:
    """The text edited from `present`: what the field does not show (subtitle, contacts, assets) stays as it is.

    Raises Refused.
    """
    rows = assets.of_revision(tx, present.id)
    names = [said.name for said, _asset in rows]
    first, _sep, rest = pasted.replace("\r\n", "\n").strip().partition("\n")
    if clean_line(_HEADING.sub("", first, count=1) if is_markdown else first) == present.title:
        # Said once more as such, for a headline of one word would not be taken for one.
        pasted = f"---\ntitle: {json.dumps(present.title, ensure_ascii=False)}\n---\n\n{rest.strip()}\n"
    statement = _read(pasted, translation.language, is_markdown=is_markdown, beside=names)
    given = {item.name: item.alt for item in statement.assets}
    kept = tuple(
        KeptAsset(
            asset.id, asset.digest, said.name, given.get(said.name) or said.alt, said.caption, said.credit, said.licence
        )
        for said, asset in rows
    )
    return replace(
        statement,
        subtitle=statement.subtitle or present.subtitle,
        dateline=statement.dateline or present.dateline,
        date=statement.date or present.dated,
        contacts=statement.contacts or present.contacts,
        publish=translation.publish,
        assets=(),
        kept=kept,
    )


def _read(pasted: str, language: str, *, is_markdown: bool, beside: Sequence[str]) -> Statement:
    data = pasted.encode("utf-8", "replace")
    if not pasted.strip():
        raise Refused(_("Paste the statement into the field first."))
    if len(data) > LARGEST:
        raise Refused(_("The text is larger than 200 kB; shorten it, or send it with the command line."))
    # Statements are read from files, so that a pasted one is understood exactly as a pushed one.
    with TemporaryDirectory(prefix="pressroom-") as folder:
        path = Path(folder) / ("statement.md" if is_markdown else "statement.txt")
        path.write_bytes(data)
        for name in beside:
            # Only their being there is asked; names come from files that once were pushed.
            if Path(name).name == name:
                (Path(folder) / name).touch()
        try:
            statement = read_statements([path], language=language)[0]
        except StatementRefused as error:
            where = _("Line %(number)s: ", number=error.line) if error.line else ""
            raise Refused(f"{where}{error.reason[:1].upper()}{error.reason[1:]}") from None
    if any(item.name not in beside for item in statement.assets):
        raise Refused(_("A picture cannot be pasted; push the statement with its files by the command line."))
    return replace(statement, path=Path(language))
