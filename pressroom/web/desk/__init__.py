"""The desk: where staff read, write, publish and mail. Every page asks who it is for and what their role allows."""

from __future__ import annotations

from flask import Blueprint

from pressroom.web import auth
from pressroom.web.desk import (
    correcting,
    mailings,
    newsrooms,
    pictures,
    publishing,
    record,
    releases,
    rescheduling,
    retracting,
    reviewing,
    settings,
    statements,
    subscriptions,
    suppressions,
    vanishing,
)

bp = Blueprint("desk", __name__, url_prefix="/desk")

auth.guard(bp)
for _part in (
    newsrooms, settings, record, releases, statements, pictures, reviewing, publishing, rescheduling, correcting,
    retracting, vanishing, mailings, subscriptions, suppressions,
):  # fmt: skip
    bp.register_blueprint(_part.bp)
