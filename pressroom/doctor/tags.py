"""Lists of `tag=value;` as DKIM and DMARC records have them (RFC 6376 §3.2)."""

from __future__ import annotations


class Unreadable(ValueError):
    """A record that receivers cannot read either. The text is the end of a sentence."""


def read(text: str) -> dict[str, str]:
    """Tags in small letters, in their order, without white space around. Raises Unreadable."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    for part in parts[:-1] if not parts[-1].strip() else parts:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not part.strip():
            raise Unreadable("two semicolons follow each other in it")
        if not equals or not name:
            raise Unreadable(f"“{shown(part.strip())}” is not of the form tag=value")
        if name in tags:
            raise Unreadable(f"the tag “{shown(name)}” stands in it twice")
        tags[name] = value.strip()
    return tags


def shown(text: str) -> str:
    """What a stranger wrote, so that it can stand in one plain line."""
    clean = "".join(one if one.isprintable() else "?" for one in text)
    return clean if len(clean) <= 60 else f"{clean[:59]}…"
