"""Numbers in addresses: written in one way only, so that no document stands at two."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter


class _Number(IntegerConverter):
    regex = "[1-9][0-9]{0,8}"


def init_app(app: Flask) -> None:
    """Rules may have `<number(min=2):name>`."""
    app.url_map.converters["number"] = _Number
