"""The desk: where staff read, write, publish and mail. Every page asks who it is for and what their role allows."""

from __future__ import annotations

from flask import Blueprint

from pressroom.web import auth
from pressroom.web.desk import mailings, newsrooms, publishing, releases, statements

bp = Blueprint("desk", __name__, url_prefix="/desk")

auth.guard(bp)
for _part in (newsrooms, releases, statements, publishing, mailings):
    bp.register_blueprint(_part.bp)
