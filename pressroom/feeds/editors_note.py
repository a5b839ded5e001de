"""What a news format tells editors beside the text: what was corrected and how, or why it was taken back."""

from __future__ import annotations

from pressroom import catalogues
from pressroom.feeds.item import Item, legal
from pressroom.feeds.notice import Notice
from pressroom.feeds.version import Version
from pressroom.phrases import translator


def editors_note(version: Version) -> str:
    """In the language of the item, the newest correction first; empty where there is nothing to tell."""
    item = version.item
    if item is None:
        return ""
    if version.text is None:
        return _told(item, translator(item.language)("Retracted"), item.retraction) if item.retraction else ""
    say = translator(item.language)
    told = []
    for one in item.notices:
        told.append(_told(item, say("Correction"), one))
        if one.is_missing:
            told.append(say("The text in this language has not been corrected yet."))
    if item.is_stale and not item.is_missing_a_correction:
        told.append(say("This translation was made from an earlier version of the text."))
    return legal("\n".join(told))


def _told(item: Item, words: str, notice: Notice) -> str:
    day = catalogues.day(notice.at.astimezone(item.newsroom.zone), item.language)
    return f"{words} ({day}): {notice.note.text}".strip()
