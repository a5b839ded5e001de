"""Which language a page speaks: the language of its address, never one guessed from the browser."""

from __future__ import annotations

from babel.support import NullTranslations
from flask import Flask, g, has_request_context
from flask_babel import Babel, Domain, get_locale, refresh

from pressroom import catalogues, languages
from pressroom.languages import Language
from pressroom.releases.newsroom import said


class _Domain(Domain):  # type: ignore[misc]
    def get_translations(self) -> NullTranslations:
        found = get_locale() if has_request_context() else None
        return catalogues.words(found.language) if found else NullTranslations()


def init_app(app: Flask) -> None:
    babel = Babel(app, locale_selector=_selected)
    babel.domain_instance = _Domain()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(lambda: {"page_language": page_language()})
    app.jinja_env.globals.update(language=languages.language, said=said, catalogue=catalogues.of_language)
    app.jinja_env.filters.update(day=catalogues.day, clock=catalogues.clock)


def speak(tag: str) -> None:
    """Makes the rest of this request speak a language."""
    g.language = tag
    refresh()


def page_language() -> Language:
    return languages.language(g.get("language", "en"))


def _selected() -> str:
    return str(catalogues.locale(g.get("language", "en")))
