"""How many machines are subscribed to which feed, and how it goes. Where they are is shown to nobody."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from pressroom.people.account import Act
from pressroom.pushing import figures
from pressroom.web.desk import room

bp = Blueprint("subscriptions", __name__)


@bp.get("/<slug>/subscriptions")
def subscriptions(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.MANAGE) as entered:
        topics = figures.per_topic(entered.tx, entered.newsroom.id, entered.now)
        return render_template("desk/subscriptions.html", room=entered, newsroom=entered.newsroom, topics=topics)
