from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from pressroom.mailing import dkim_pair, rotating
from pressroom.mailing.dkim_pair import DnsRecord
from pressroom.seal import Keyring
from tests.cli.conftest import Press
from tests.makers import now
from tests.name_server import NameServer
from tests.sink import Sink


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, smtp_sink: Sink) -> Iterator[NameServer]:
    """DNS and a relay, which the environment names."""
    server = NameServer()
    for name, value in {
        "PRESSROOM_DNS_SERVER": server.address,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(smtp_sink.port),
        "MAIL_DEFAULT_SENDER": "press@example.org",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


def _records(database, data_dir) -> list[DnsRecord]:
    keyring = Keyring.load(data_dir / "keyring.json")
    rotating.make_pair(database, keyring, "river", now=now())
    with database.reading() as tx:
        newsroom_id = tx.execute(text("SELECT id FROM newsroom")).scalar_one()
        return [one for pair in dkim_pair.of_newsroom(tx, newsroom_id) for one in dkim_pair.records(pair)]


def test_it_prints_what_to_publish_and_is_content_once_that_is_there(
    newsroom: Press, database, data_dir, names: NameServer, smtp_sink: Sink
) -> None:
    records = _records(database, data_dir)
    rotating.switch(database, "river", None, now=now())
    names.know("example.org", "MX", ["10 mx.example.org."])
    names.know("mx.example.org", "A", ["198.51.100.7"])
    before = newsroom("doctor", "--json")
    assert before.code == 1 and before.json["sound"] is False
    said = {(one["check"], one["about"]): one["state"] for one in before.json["findings"]}
    assert said["SPF", "example.org"] == said["DMARC", "example.org"] == "wrong"
    assert {said["DKIM", one.name] for one in records} == {"wrong"}, "for the pair signs"
    for one in before.json["records"]:
        assert one["published"] is False
        names.text(one["name"], one["value"])
    assert {one.name for one in records} < {one["name"] for one in before.json["records"]}
    after = newsroom("doctor", "--json")
    assert after.code == 0, [one for one in after.json["findings"] if one["state"] == "wrong"]
    assert all(one["published"] for one in after.json["records"])
    assert smtp_sink.received == [], "nothing is sent"


def test_its_records_can_be_pasted_into_a_zone_file(newsroom: Press, database, data_dir, names: NameServer) -> None:
    import dns.zone

    _records(database, data_dir)
    out = newsroom("doctor").out
    pasted = "$TTL 60\n@ SOA a. b. 1 1 1 1 1\n@ NS a.\n" + out[out.index("; DNS records") :]
    zone = dns.zone.from_text(pasted, origin="example.org.", relativize=False)
    texts = {str(name).removesuffix("."): data for name, _, data in zone.iterate_rdatas("TXT")}
    assert {"example.org", "_dmarc.example.org"} < set(texts)
    assert sum("_domainkey" in one for one in texts) == 2


def test_each_line_says_how_it_stands_and_no_address_or_secret(
    newsroom: Press, data_dir, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_USERNAME", "canary-user")
    monkeypatch.setenv("MAIL_PASSWORD", "canary-password")
    done = newsroom("doctor")
    findings = done.out.partition("\n\n")[0].splitlines()
    assert len(findings) > 8
    assert all(line.split()[0] in ("ok", "warning", "wrong") and line.endswith(".") for line in findings)
    assert "press@" not in done.out and "canary" not in done.out
    assert (data_dir / "secret_key").read_text() not in done.out


def test_it_answers_without_a_database_without_dns_and_without_a_relay(
    press: Press, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.stop()
    monkeypatch.delenv("MAIL_SERVER")
    monkeypatch.setattr("pressroom.doctor.dns._SECONDS", 0.3)
    done = press("doctor")
    assert done.code == 1 and "`pressroom init`" in done.out and "MAIL_SERVER" in done.out


def test_a_database_address_that_nobody_can_read_is_one_sentence(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSROOM_DATABASE_URL", "very-secret@@nothing")
    done = press("doctor")
    assert done.code == 1 and "PRESSROOM_DATABASE_URL" in done.err and "very-secret" not in done.out + done.err
