"""The record of a newsroom: who did what, when; a page at a time, or all of it as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from pressroom.db import from_micros
from pressroom.mailing import record as records
from pressroom.people import audit
from pressroom.people.account import Act
from pressroom.web.desk import people, room, wording

bp = Blueprint("record", __name__)

_PER_PAGE = 100


@bp.get("/<slug>/record")
def record(slug: str) -> ResponseReturnValue:
    number = max(1, min(request.args.get("page", 1, type=int), 100_000))
    with room.enter(slug, Act.PUBLISH) as entered:
        found, has_more = records.page(entered.tx, entered.newsroom.id, number=number, per_page=_PER_PAGE)
        return render_template(
            "desk/record.html",
            room=entered,
            newsroom=entered.newsroom,
            entries=found,
            people=people.who(entered, [one.account_id for one in found]),
            of_act=wording.of_act,
            instant=from_micros,
            number=number,
            has_more=has_more,
        )


@bp.get("/<slug>/record.csv")
def download(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH):
        pass

    def lines() -> Iterator[str]:
        # Opened anew, for it is read while the answer goes out.
        with room.enter(slug, Act.PUBLISH) as entered:
            accounts = audit.accounts(entered.tx, entered.newsroom.id)
            who = people.who(entered, accounts)
            yield from records.as_csv(records.of_newsroom(entered.tx, entered.newsroom.id), who)

    attached = {"Content-Disposition": f'attachment; filename="record-{slug}.csv"'}
    return Response(stream_with_context(lines()), content_type="text/csv; charset=utf-8", headers=attached)
