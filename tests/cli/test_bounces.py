from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from pressroom.db import Database
from pressroom.mailing import arrival
from pressroom.mailing.arrival import Arrival
from pressroom.seal import Keyring
from tests.cli.conftest import Press, must, refused


def test_a_message_is_stored_from_a_file_and_a_second_copy_is_known(
    newsroom: Press, database: Database, data_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(b"Subject: x\n\n\xff")
    assert must(newsroom("bounces", "read", str(file), "--json")).json == {"stored": True}
    assert must(newsroom("bounces", "read", str(file), "--json")).json == {"stored": False}
    must(newsroom("bounces", "read", str(file), "--recipient", "b+1@example.org\nX: y"))
    with database.reading() as tx:
        kept = tx.scalars(select(Arrival).order_by(Arrival.id)).all()
        raw = arrival.open_(Keyring.load(data_dir / "keyring.json"), kept[1])
    assert len(kept) == 2 and raw == b"Delivered-To: b+1@example.org X: y\nSubject: x\n\n\xff"


def test_standard_input_is_read_as_a_pipe_gives_it(
    newsroom: Press, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Subject: x\n\n")))
    must(newsroom("bounces", "read"))
    with database.reading() as tx:
        assert len(tx.scalars(select(Arrival.id)).all()) == 1


def test_what_cannot_be_stored_asks_the_mail_server_to_try_later(press: Press, tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(b"Subject: x\n\n")
    assert "pressroom init" in refused(press("bounces", "read", str(file)), 75)


def test_a_file_that_is_not_there_is_wrong_usage(newsroom: Press) -> None:
    refused(newsroom("bounces", "read", "nothing.eml"), 2)
