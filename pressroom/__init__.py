"""Pressroom publishes statements as press releases: pages, feeds and mail, in every language they have."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from pressroom.config import Config
    from pressroom.service import Service
    from pressroom.web.fastpath import Pulse

_DOORS = (
    "health",
    "desk",
    "auth",
    "subscriptions",
    "hooks",
    "hub",
    "mailbox",
    "site",
    "feeds",
    "formats",
    "changes",
    "newsroom",
    "search",
)
_LARGEST_REQUEST = 64 * 1024 * 1024


def create_app(config: Config | None = None, *, service: Service | None = None, pulse: Pulse | None = None) -> Flask:
    """The web application. Raises ConfigError if a secret is missing; connects to nothing before the first request.

    `app.extensions["pressroom"]` is the Service, `app.extensions["pressroom.library"]` the Library of documents.
    """
    from flask import Flask
    from flask_wtf import CSRFProtect

    from pressroom.service import Service
    from pressroom.web import agreed_time, errors, headers, locale, number, static
    from pressroom.web.fastpath import FastPath, Library, Pulse
    from pressroom.web.pace import Pace
    from pressroom.web.proxies import Proxies

    service = service or Service.open(config)
    service.check()
    library = Library(pulse or Pulse(service.database, clock=agreed_time.clock_of(service)))
    app = Flask(__name__, static_folder=None, template_folder=str(Path(__file__).parent.parent / "templates"))
    app.config.update(
        SECRET_KEY=service.signer.key("session"),
        SESSION_COOKIE_NAME="pressroom",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=service.config.base_url.startswith("https:"),
        MAX_CONTENT_LENGTH=_LARGEST_REQUEST,
        WTF_CSRF_TIME_LIMIT=None,
        # It would ask for the Referer, which our own policy keeps browsers from sending; the token and SameSite remain.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.extensions["pressroom"] = service
    app.extensions["pressroom.library"] = library
    CSRFProtect(app)
    for room in (number, locale, errors, headers, static):
        room.init_app(app)
    for name in _DOORS:
        app.register_blueprint(import_module(f"pressroom.web.{name}").bp)
    proxied, pace = Proxies(app.wsgi_app, service.config.trusted_proxies), Pace(service.config.feed_fetches)
    app.wsgi_app = FastPath(proxied, library, pace, proxied.client_of)  # type: ignore[method-assign]
    return app
