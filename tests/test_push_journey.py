"""The whole way of a push, on a running service: a machine subscribes, and hears of each change by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.pushing.subscriber import Subscriber
from tests.sink import Sink
from tests.supervising.running import Running, until
from tests.test_journey import Press

SECRET = "نهێنی hoopoe-census-vault"


@pytest.fixture
def running(tmp_path: Path, smtp_sink: Sink) -> Iterator[Running]:
    environ = {
        "MAIL_SERVER": smtp_sink.host,
        "MAIL_PORT": str(smtp_sink.port),
        "PRESSROOM_PUSH_PRIVATE_NETWORKS": "1",
    }
    running = Running(tmp_path / "data", environ, demo=False).ready()
    yield running
    running.end()


@pytest.fixture
def press(running: Running) -> Press:
    press = Press(running, {"PRESSROOM_PUSH_PRIVATE_NETWORKS": "1"})
    done = press.run(*"newsroom add valley --name Valley --language en ckb --from press@valley.example.org".split())
    assert done.returncode == 0, done.stderr
    return press


def statement(folder: Path, text: str, language: str = "en") -> str:
    path = folder / f"nests.{language}.md"
    path.write_text(f"---\ntitle: Hoopoe census\nlanguage: {language}\n---\n\n{text}\n", encoding="utf-8")
    return str(path)


def subscribed(subscriber: Subscriber, running: Running) -> tuple[str, str]:
    """By discovery; returns the hub and the topic."""
    hub, topic = subscriber.discover(f"{running.address}/valley/en/feed.atom")
    assert subscriber.post(hub, "subscribe", topic, secret=SECRET, lease_seconds="86400") == 202
    until(lambda: len(subscriber.delivered) == 1, "it was verified, and told how things stand")
    assert subscriber.asked[0]["hub.lease_seconds"] == "86400"
    return hub, topic


def test_a_subscriber_hears_of_each_change_until_it_leaves(running: Running, press: Press, tmp_path: Path) -> None:
    with Subscriber() as subscriber, Subscriber() as stalled:
        hub, topic = subscribed(subscriber, running)
        subscribed(stalled, running)
        stalled.stalled.set()
        made = press.json("push", statement(tmp_path, "Forty nests."), "--newsroom", "valley", "--publish")
        until(lambda: len(subscriber.delivered) == 2, "it heard of the publication")
        corrected = statement(tmp_path, "Fifty nests.")
        press.run("correct", made["id"], corrected, "--note", "en=Fifty, not forty.")
        until(lambda: len(subscriber.delivered) == 3, "it heard of the correction")
        press.run("retract", made["id"], "--reason", "en=Nobody counted.")
        until(lambda: len(subscriber.delivered) == 4, "it heard of the retraction")
        bodies = [one.body.decode() for one in subscriber.delivered]
        for body, (there, gone) in zip(
            bodies[1:],
            [("Forty nests.", "Fifty"), ("Fifty, not forty.", "Forty nests."), ("Nobody counted.", "nests.")],
            strict=True,
        ):
            assert there in body and gone not in body
        for one in subscriber.delivered:
            assert one.is_signed_with(SECRET) and one.links == {"hub": hub, "self": topic}
            assert one.headers["Content-Type"] == "application/atom+xml; charset=utf-8"

        assert subscriber.post(hub, "unsubscribe", topic) == 202
        until(lambda: subscriber.asked[-1]["hub.mode"] == "unsubscribe", "it was asked whether it leaves")
        with Subscriber() as other:
            subscribed(other, running)
            press.json("push", statement(tmp_path, "Sixty."), "--newsroom", "valley", "--publish", "--new")
            until(lambda: len(other.delivered) == 2, "others hear")
        assert len(subscriber.delivered) == 4
    assert running.stop() == 0
    kept = [path for path in running.data_dir.rglob("*") if path.is_file() and b"census-vault" in path.read_bytes()]
    assert kept == [] and "census-vault" not in running.err + running.out


def test_an_embargo_that_lifts_is_pushed_by_itself(running: Running, press: Press, tmp_path: Path) -> None:
    with Subscriber() as subscriber:
        subscribed(subscriber, running)
        at = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
        press.json("push", statement(tmp_path, "Forty nests."), "--newsroom", "valley", "--publish", "--embargo", at)
        until(lambda: len(subscriber.delivered) == 2, "it heard when the embargo ended")
        assert datetime.now(UTC) >= datetime.fromisoformat(at)
        assert "Forty nests." in subscriber.delivered[1].body.decode()


def test_a_worker_killed_while_it_pushes_loses_nothing(running: Running, press: Press, tmp_path: Path) -> None:
    with Subscriber() as subscriber:
        subscribed(subscriber, running)
        subscriber.stalled.set()
        press.json("push", statement(tmp_path, "Forty nests."), "--newsroom", "valley", "--publish")
        until(lambda: subscriber.waiting == 1, "the push is under way")
        os.kill(running.child("working push"), signal.SIGKILL)
        subscriber.stalled.clear()
        until(lambda: len(subscriber.delivered) == 2, "another worker has told it")
        assert "Forty nests." in subscriber.delivered[-1].body.decode()
