"""Every table, by importing the noun that holds it; for migrations and their tests."""

from __future__ import annotations

import importlib

from pressroom.db import Base

NOUNS = (
    "pressroom.outbox",
    "pressroom.people.account",
    "pressroom.people.session",
    "pressroom.people.invitation",
    "pressroom.people.attempt",
    "pressroom.people.audit",
    "pressroom.releases.newsroom",
    "pressroom.releases.beat",
    "pressroom.releases.release",
    "pressroom.releases.translation",
    "pressroom.releases.revision",
    "pressroom.releases.asset",
    "pressroom.releases.correction",
    "pressroom.releases.approval",
    "pressroom.releases.former_slug",
    "pressroom.releases.log",
    "pressroom.feeds.archive",
    "pressroom.releases.change",
    "pressroom.mailing.subscriber",
    "pressroom.mailing.media_list",
    "pressroom.mailing.suppression",
    "pressroom.mailing.arrival",
    "pressroom.mailing.bounce",
    "pressroom.mailing.mailing",
    "pressroom.mailing.notice",
    "pressroom.mailing.delivery",
    "pressroom.mailing.quota",
    "pressroom.mailing.throttle",
    "pressroom.mailing.dkim_pair",
    "pressroom.pushing.subscription",
    "pressroom.pushing.intent",
    "pressroom.pushing.watermark",
    "pressroom.pushing.dispatch",
)

for _noun in NOUNS:
    importlib.import_module(_noun)

metadata = Base.metadata
