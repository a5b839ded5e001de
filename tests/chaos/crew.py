"""The worker processes of a service under test, to be killed and replaced."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from pressroom.config import Config
from pressroom.db import Database, new_id
from pressroom.mailing import mailing as mailings
from pressroom.mailing import message, subscriber
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Progress
from pressroom.mailing.media_list import ListMember, MediaList
from pressroom.mailing.subscriber import Person, Subscriber
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring
from pressroom.signing import Signer
from tests.makers import now
from tests.sink import Sink

_ROOT = Path(__file__).parents[2]


class Crew:
    """A mail worker, a default worker and the clock, as `pressroom up` runs them; they log to `crew.log`."""

    def __init__(self, config: Config, sink: Sink, redis_url: str) -> None:
        self._environ = {
            **os.environ,
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(_ROOT),
            "PRESSROOM_DATA_DIR": str(config.data_dir),
            "PRESSROOM_SECRET_KEY": str(config.secret_key),
            "PRESSROOM_KEYRING_FILE": str(config.keyring_file),
            "PRESSROOM_DATABASE_URL": str(config.database_url),
            "PRESSROOM_REDIS_URL": redis_url,
            "PRESSROOM_BASE_URL": "https://press.example.org",
            "MAIL_SERVER": sink.host,
            "MAIL_PORT": str(sink.port),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._log = config.data_dir / "crew.log"

    def __enter__(self) -> Crew:
        for name in ("clock", "default", "mail"):
            self.start(name)
        return self

    def start_another(self) -> None:
        """A second mail worker."""
        self.start("mail", as_="mail 2")

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        print(self._log.read_text())

    def start(self, name: str, as_: str = "") -> None:
        with self._log.open("ab") as log:
            self.processes[as_ or name] = subprocess.Popen(
                [sys.executable, "-m", "pressroom.working", name], env=self._environ, cwd=_ROOT, stderr=log
            )

    def kill(self, name: str) -> None:
        """As the kernel does when memory runs out; a new one starts at once."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()
        self.start(name.partition(" ")[0], as_=name)

    def revive(self) -> None:
        """Starts again what ended by itself, as a supervisor does."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name.partition(" ")[0], as_=name)


@dataclass(frozen=True)
class Tally:
    """What the sink says, against what the ledger says."""

    people: int
    reached: int
    extra: int
    most: int
    unknown: int
    lost: int
    seconds_to_recover: float


def tally(database: Database, config: Config, sink: Sink, progress: Progress, seconds: float) -> Tally:
    """Lost is what is neither accepted nor `unknown` nor refused; what is unknown may well have been accepted.

    Suppressed is who was refused in an answer to a worker that had been taken over by then.
    """
    counts = sink.counts()
    accepted = {message_id for message_id, _ in counts}
    signer = Signer(str(config.secret_key))
    told = (DeliveryState.UNKNOWN, DeliveryState.BOUNCED, DeliveryState.SUPPRESSED)
    with database.reading() as tx:
        query = select(Delivery.id).where(Delivery.mailing_id == progress.id, Delivery.state.not_in(told))
        known = list(tx.scalars(query))
    lost = sum(1 for one in known if message.message_id(signer, one, "press@example.org") not in accepted)
    reached = len({recipient for _, recipient in counts})
    assert len(counts) == reached, "one recipient had two Message-IDs"
    extra, most = sum(counts.values()) - reached, max(counts.values(), default=0)
    return Tally(progress.total, reached, extra, most, progress.unknown, lost, seconds)


def make_people(database: Database, keyring: Keyring, newsroom: Newsroom, count: int) -> None:
    """A media list `press` with `count` subscribers of all four languages."""
    press = MediaList(id=new_id(), newsroom_id=newsroom.id, slug="press", name="Press", created_at=now())
    rows = []
    for number in range(count):
        subscriber_id = new_id()
        sealed = subscriber.seal(keyring, subscriber_id, Person(f"person{number}@example.org", "", ""))
        same = {"newsroom_id": newsroom.id, "consent_text": "asked", "consent_source": "import", "consent_at": now()}
        languages = [["en", "ckb", "kmr", "ar"][number % 4]]
        rows.append(
            {"id": subscriber_id, "languages": languages, "confirmed_at": now(), "created_at": now(), **same, **sealed}
        )
    with database.transaction() as tx:
        tx.add(press)
        tx.flush()
        tx.execute(insert(Subscriber), rows)
        tx.execute(insert(ListMember), [{"list_id": press.id, "subscriber_id": row["id"]} for row in rows])


def watch(
    database: Database,
    mailing_id: int,
    *,
    seconds: float,
    meanwhile: Callable[[Progress], None] | None = None,
    until: str = "",
    enough: Callable[[], bool] = lambda: False,
) -> Progress:
    """Waits until the mailing is finished, or in the state `until`, or `enough`; calls `meanwhile` every now and then.

    Raises TimeoutError.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with database.reading() as tx:
                progress = mailings.progress(tx, mailing_id)
        except DBAPIError:
            # A fault of the test's own making.
            time.sleep(0.2)
            continue
        if progress.state in mailings.FINAL or progress.state == until or enough():
            return progress
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s: {progress}")
        if meanwhile:
            meanwhile(progress)
        time.sleep(0.05 if meanwhile else 0.3)


class Faults:
    """So many faults, spread at random over the mailing's course; then the time until all is done is taken."""

    def __init__(self, number: int, people: int, act: Callable[[], object], seed: int = 7) -> None:
        chance = random.Random(seed)
        self._at = sorted(chance.randrange(int(people * 0.02), int(people * 0.9)) for _ in range(number))
        self._act = act
        self.done = 0
        self.last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if self.done < len(self._at) and progress.sent >= self._at[self.done] and progress.total:
            self._act()
            self.done += 1
            self.last = time.monotonic()
