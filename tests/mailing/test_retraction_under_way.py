"""A mailing under way is retracted: nothing follows but what is on the wire, and exactly those who had it are told."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import accompanying, steering
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import RETRACTION
from pressroom.seal import Keyring
from tests.chaos.crew import Crew, make_people, watch
from tests.makers import LANGUAGES, Made, make_newsroom, make_release, now
from tests.sink import Received, Sink

# 5,000 show the same; they take half a minute.
PEOPLE = int(os.environ.get("RETRACTION_RECIPIENTS", "600"))
WORKERS = 2
# How long the other server takes to accept a message, in seconds; slowly while the release is retracted.
QUICK, SLOW = 0.01, 0.3
ON_THE_WIRE = WORKERS * (Config.mail_connections + Config.mail_spare_connections)
REASONS = {"en": "It was wrong.", "ckb": "هەڵە بوو.", "kmr": "Şaş bû.", "ar": "كان خطأ."}


def _started(database: Database, config: Config) -> tuple[Made, int]:
    assert config.keyring_file is not None
    keyring = Keyring.load(config.keyring_file)
    newsroom = make_newsroom(database)
    make_people(database, keyring, newsroom, PEOPLE)
    made = make_release(database, newsroom)
    return made, steering.start_mailing(database, keyring, made.id, ["press"], hold=timedelta(0), now=now())


def _retracted(database: Database, release_id: str) -> tuple[float, Mailing]:
    """When the commit was over, in monotonic seconds, and the mailing that tells of it."""
    with database.reading() as tx:
        moment = database.now(tx)
    assert accompanying.retract(database, release_id, REASONS, now=moment)
    committed = time.monotonic()
    with database.reading() as tx:
        return committed, tx.scalars(select(Mailing).where(Mailing.purpose == RETRACTION)).one()


def _states(database: Database, mailing_id: int) -> Counter[DeliveryState]:
    query = select(Delivery.state, func.count()).where(Delivery.mailing_id == mailing_id).group_by(Delivery.state)
    with database.reading() as tx:
        return Counter({row[0]: row[1] for row in tx.execute(query)})


def _marked_since(database: Database, mailing_id: int, told: Mailing) -> int:
    """How many messages were begun after the retraction."""
    late = Delivery.sending_at > told.created_at
    query = select(func.count()).where(Delivery.mailing_id == mailing_id, late)
    with database.reading() as tx:
        return tx.execute(query).scalar_one()


@dataclass(frozen=True)
class _Read:
    recipient: str
    language: str
    tells: bool
    at: float


def _read(one: Received) -> _Read:
    message = one.message
    language, body = str(message["Content-Language"]), message.get_body(("plain",))
    assert body is not None
    return _Read(one.recipient, language, REASONS[language] in body.get_content(), one.at)


@pytest.mark.timeout(180)
def test_nothing_leaves_after_a_retraction_but_what_is_on_the_wire_and_each_who_had_it_is_told_once(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    made, mailing_id = _started(database, config)
    smtp_sink.delay(QUICK)
    with ExitStack() as stack:
        stack.enter_context(Crew(config, smtp_sink, redis_url))
        another = Crew(config, smtp_sink, redis_url)
        stack.push(another)
        another.start("mail")
        smtp_sink.wait_for(PEOPLE // 3, seconds=60)
        smtp_sink.behave()
        smtp_sink.delay(SLOW)
        committed, told = _retracted(database, made.id)
        assert _states(database, mailing_id)[DeliveryState.CANCELLED] > PEOPLE // 4, "it was still under way"
        smtp_sink.behave()
        follow_up = watch(database, told.id, seconds=90)
    read = [_read(one) for one in smtp_sink.received]
    had = {one.recipient: one.language for one in read if not one.tells}
    notified = {one.recipient: one.language for one in read if one.tells}
    after = [one for one in read if not one.tells and one.at > committed]
    print(f"\n{PEOPLE} people: {len(had)} had it, {len(after)} of them after the commit; {len(notified)} were told")
    assert len(after) <= ON_THE_WIRE
    assert _marked_since(database, mailing_id, told) == 0
    assert notified == had and len(read) == len(had) + len(notified), "each once"
    assert set(had.values()) == set(LANGUAGES)
    counts = _states(database, mailing_id)
    assert counts == {DeliveryState.SENT: len(had), DeliveryState.CANCELLED: PEOPLE - len(had)}
    assert (follow_up.state, follow_up.total, follow_up.sent) == (State.FINISHED, len(had), len(had))
