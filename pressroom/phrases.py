"""Fixed wording for what leaves by mail: a translator per language, and the environments mail templates render in."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pressroom import catalogues

_TEMPLATES = Path(__file__).parent.parent / "templates" / "email"


def translator(tag: str) -> Callable[[str], str]:
    """Translates a message into the language of a tag; where it has no translation, the English stands."""
    return catalogues.of_language(tag).gettext


@lru_cache(maxsize=64)
def environment(tag: str) -> Environment:
    """For templates/email: `.html` is escaped, an absent value is an error, `_` speaks the language."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["_"] = translator(tag)
    return made
