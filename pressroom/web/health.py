"""For monitors: alive, ready, and figures computed from the database, which every process shares."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import redis
from flask import Blueprint, Response, current_app
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import TryLater
from pressroom.mailing import mailing as mailings
from pressroom.mailing.arrival import Arrival
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.notice import Notice
from pressroom.mailing.suppression import Suppression
from pressroom.outbox import OutboxRow
from pressroom.pushing import figures
from pressroom.pushing.dispatch import OPEN, Dispatch
from pressroom.releases.release import Release
from pressroom.releases.visibility import release_is_public
from pressroom.service import Service
from pressroom.web.publishing import public_now

log = logging.getLogger(__name__)
bp = Blueprint("health", __name__)

_REDIS_TIMEOUT = 1.0
_MAILINGS = 20


@bp.get("/healthz")
def healthz() -> Response:
    return _plain("ok\n", 200)


@bp.get("/readyz")
def readyz() -> Response:
    """503 for the database or its migrations only: without Redis everything public goes on and mail waits."""
    service: Service = current_app.extensions["pressroom"]
    try:
        schema = service.database.schema()
    except (DBAPIError, TryLater):
        return _plain("the database does not answer\n", 503)
    if schema != service.database.head():
        return _plain("the database wants `pressroom init`\n", 503)
    return _plain("ok\n" if _rings(service) else "degraded: Redis does not answer, mail waits\n", 200)


@bp.get("/metrics")
def metrics() -> Response:
    service: Service = current_app.extensions["pressroom"]
    registry = CollectorRegistry()
    registry.register(_Figures(service.database))
    response = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


class _Figures:
    """Reads once per scrape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        # Without it the registry would collect, and so read the database, on registration.
        return ()

    def collect(self) -> Iterable[Metric]:
        with self._database.reading() as tx:
            return [
                _by_state(tx, "pressroom_deliveries", "Messages by state.", Delivery.state),
                _by_state(tx, "pressroom_mailings", "Mailings by state.", Mailing.state),
                *_of_mailings(tx),
                *_returned(tx),
                *self._pushed(tx),
                *self._outbox(tx),
                self._public(tx),
                self._waiting(tx),
            ]

    def _outbox(self, tx: Session) -> list[Metric]:
        now = self._database.now(tx)
        query = select(func.count(), func.min(OutboxRow.not_before)).where(
            OutboxRow.done_at.is_(None), OutboxRow.not_before <= now
        )
        due, oldest = tx.execute(query).one()
        age = (now - oldest).total_seconds() if oldest else 0.0
        return [
            _gauge("pressroom_outbox_due", "Outbox rows that are due and not done.", due),
            _gauge("pressroom_outbox_oldest_due_seconds", "How long the oldest of them has been due.", age),
        ]

    def _pushed(self, tx: Session) -> list[Metric]:
        now = self._database.now(tx)
        subscriptions, failing = figures.of_all(tx, now)
        oldest = tx.execute(select(func.min(Dispatch.created_at)).where(Dispatch.state.in_(OPEN))).scalar_one()
        age = (now - oldest).total_seconds() if oldest else 0.0
        return [
            _gauge("pressroom_subscriptions", "Machines subscribed to a feed.", subscriptions),
            _gauge("pressroom_subscriptions_failing", "Of these, how many did not take the last push.", failing),
            _by_state(tx, "pressroom_dispatches", "What machines were told in a month, by state.", Dispatch.state),
            _gauge("pressroom_dispatches_oldest_open_seconds", "How long one of them has been waiting.", age),
        ]

    def _waiting(self, tx: Session) -> Metric:
        count = select(func.count()).where(Notice.due_at.is_not(None))
        says = "Notices that wait for their subscriber's next digest, and have no message yet."
        return _gauge("pressroom_notices_waiting", says, tx.execute(count).scalar_one())

    def _public(self, tx: Session) -> Metric:
        count = select(func.count()).select_from(Release).where(release_is_public(public_now()))
        return _gauge("pressroom_releases_public", "Releases anybody can read.", tx.execute(count).scalar_one())


def _of_mailings(tx: Session) -> list[Metric]:
    """The newest: the counts of each add up to its total, as at the desk."""
    counts = GaugeMetricFamily(
        "pressroom_mailing_deliveries", "A mailing's messages by state.", labels=["mailing", "state"]
    )
    totals = GaugeMetricFamily("pressroom_mailing_total", "How many messages a mailing has.", labels=["mailing"])
    newest = select(Mailing.id).where(Mailing.counted_at.is_not(None)).order_by(Mailing.id.desc()).limit(_MAILINGS)
    for mailing_id in tx.scalars(newest).all():
        found = mailings.progress(tx, mailing_id)
        totals.add_metric([str(mailing_id)], found.total)
        for state in DeliveryState:
            counts.add_metric([str(mailing_id), state.value], getattr(found, state.value))
    return [counts, totals]


def _returned(tx: Session) -> list[Metric]:
    """What came back, and what it led to; by kind only."""
    waiting = select(func.count()).select_from(Arrival).where(Arrival.judged_at.is_(None))
    return [
        _by_kind(tx, "pressroom_bounces", "What came back, by verdict.", "verdict", Bounce.verdict),
        _by_kind(tx, "pressroom_suppressions", "Addresses never written to, by reason.", "reason", Suppression.reason),
        _gauge("pressroom_arrivals_waiting", "What came back and is not judged yet.", tx.execute(waiting).scalar_one()),
    ]


def _by_state(tx: Session, name: str, help_text: str, column: object) -> Metric:
    return _by_kind(tx, name, help_text, "state", column)


def _by_kind(tx: Session, name: str, help_text: str, label: str, column: object) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for state, count in tx.execute(select(column, func.count()).group_by(column)):  # type: ignore[call-overload]
        family.add_metric([str(getattr(state, "value", state))], count)
    return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _rings(service: Service) -> bool:
    url = service.config.redis_url
    if not url:
        return False
    try:
        client = redis.Redis.from_url(url, socket_timeout=_REDIS_TIMEOUT, socket_connect_timeout=_REDIS_TIMEOUT)
        with client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _plain(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
