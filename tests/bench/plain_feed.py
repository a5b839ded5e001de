"""A Flask view that writes its feed with feedgen for everybody who asks, as tutorials have it."""

from __future__ import annotations

from datetime import UTC, datetime

from feedgen.feed import FeedGenerator
from flask import Flask, Response

app = Flask(__name__)
_TEXT = "<p>" + "A paragraph of a statement. " * 146 + "</p>"


@app.get("/feed.atom")
def feed() -> Response:
    made = FeedGenerator()
    made.id("urn:example:feed")
    made.title("Statements")
    made.link(href="https://press.example.org/feed.atom", rel="self")
    for number in range(50):
        entry = made.add_entry()
        entry.id(f"urn:example:{number}")
        entry.title(f"Day {number}")
        entry.link(href=f"https://press.example.org/{number}")
        entry.content(_TEXT, type="html")
        entry.published(datetime(2026, 11, 1, tzinfo=UTC))
    return Response(made.atom_str(), mimetype="application/atom+xml")
