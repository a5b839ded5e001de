from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from pressroom.doctor import relay as relays
from pressroom.doctor.dns import Dns
from pressroom.doctor.finding import Finding, State
from pressroom.smtp.relay import relay_of
from pressroom.supervising.ports import free_port
from tests.certificates import self_signed
from tests.conftest import MakeConfig
from tests.name_server import NameServer
from tests.sink import Sink

NOW = datetime.now(UTC)
Serve = Callable[..., int]


class _Nobody:
    """Any message would be an error: the doctor sends none."""

    async def handle_MAIL(self, *_: object) -> str:
        raise AssertionError("the doctor began a message")


def _authenticate(*given: object) -> AuthResult:
    return AuthResult(success=given[-1] == LoginPassword(b"press", b"right"), handled=False)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """A mail server with STARTTLS and a log-in; its certificate is trusted."""
    running: list[Controller] = []

    def start(**certificate: object) -> int:
        context = self_signed(tmp_path, **certificate)  # type: ignore[arg-type]
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        controller = Controller(
            _Nobody(), hostname="127.0.0.1", port=free_port(), tls_context=context,
            authenticator=_authenticate,
        )  # fmt: skip
        controller.start()
        running.append(controller)
        return int(controller.port)

    yield start
    for one in running:
        one.stop()


def _check(make_config: MakeConfig, port: int, **settings: object) -> dict[str, Finding]:
    config = make_config(**{"mail_server": "localhost", "mail_port": port, "mail_use_tls": True, **settings})
    return {one.check: one for one in relays.check_relay(relay_of(config), is_here=False, now=NOW)}


def test_a_trusted_certificate_is_shown_with_its_end_and_the_log_in_is_tried(
    make_config: MakeConfig, serve: Serve
) -> None:
    port = serve(days=90)
    found = _check(make_config, port, mail_username="press", mail_password="right")
    assert "TLSv1.3" in found["TLS"].says and "90 days from now" in found["TLS"].says
    assert (found["TLS"].state, found["log-in"].says) == (State.OK, "it works")
    wrong = _check(make_config, port, mail_username="press", mail_password="wrong-secret")["log-in"]
    assert (
        wrong.state is State.WRONG
        and "535" in wrong.says
        and "MAIL_PASSWORD" in wrong.do
        and "wrong-secret" not in wrong.line
    )


def test_a_certificate_that_ends_soon_is_a_warning(make_config: MakeConfig, serve: Serve) -> None:
    found = _check(make_config, serve(days=3))["TLS"]
    assert found.state is State.WARNING and "3 days from now" in found.says


@pytest.mark.parametrize(
    ("certificate", "says", "do"),
    [
        ({"days": -2, "age": 9}, "expired", "renewed"),
        ({"name": "other.example.org"}, "localhost", "MAIL_SERVER"),
    ],
)
def test_a_certificate_that_mail_would_not_accept_is_wrong_here_too(
    make_config: MakeConfig, serve: Serve, certificate: dict[str, object], says: str, do: str
) -> None:
    (found,) = _check(make_config, serve(**certificate)).values()
    assert found.state is State.WRONG and says in found.says and do in found.do


def test_a_certificate_that_nobody_vouches_for_is_wrong(
    make_config: MakeConfig, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve()
    monkeypatch.delenv("SSL_CERT_FILE")
    (found,) = _check(make_config, port).values()
    assert found.state is State.WRONG and "SSL_CERT_FILE" in found.do


def test_what_a_relay_without_extensions_costs_is_said(make_config: MakeConfig, smtp_sink: Sink) -> None:
    config = make_config(mail_server="127.0.0.1", mail_port=smtp_sink.port)
    found = {one.check: one for one in relays.check_relay(relay_of(config), is_here=True, now=NOW)}
    assert found["TLS"].says == "not used, which is right on this machine"
    assert smtp_sink.received == []


def test_a_closed_port_and_a_server_that_says_nothing_are_both_said_in_time(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "_SECONDS", 0.5)
    (closed,) = _check(make_config, free_port()).values()
    assert closed.state is State.WRONG and "cannot be reached" in closed.says
    with socket.create_server(("127.0.0.1", 0)) as mute:
        (found,) = _check(make_config, mute.getsockname()[1], mail_server="127.0.0.1").values()
        assert "no answer in time" in found.says


def test_a_server_that_sends_an_octet_now_and_then_is_not_waited_for(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "_SECONDS", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    while True:
                        connection.sendall(b"2")
                        time.sleep(0.1)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        (found,) = _check(make_config, server.getsockname()[1], mail_server="127.0.0.1").values()
    assert found.state is State.WRONG


def test_what_is_no_mail_server_is_named_so(make_config: MakeConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1000)

        threading.Thread(target=answer, daemon=True).start()
        (found,) = _check(make_config, server.getsockname()[1], mail_server="127.0.0.1").values()
    assert found.state is State.WRONG and "SMTP" in found.says


def test_an_address_needs_a_name_that_leads_back_to_it(names: NameServer, ask: Dns) -> None:
    names.know("8.8.8.8.in-addr.arpa", "PTR", ["mail.example.org."])
    names.know("9.9.9.9.in-addr.arpa", "PTR", ["lost.example.org."])
    names.know("mail.example.org", "A", ["8.8.8.8"])
    found = relays.check_names(ask, "mail.example.org", ["8.8.8.8", "9.9.9.9", "1.1.1.1"], is_here=True)
    assert [one.state for one in found] == [State.OK, State.WRONG, State.WRONG]
    assert "lost.example.org does not lead back" in found[1].says and "has no name" in found[2].says


def test_a_private_address_cannot_be_judged_from_here(ask: Dns) -> None:
    (found,) = relays.check_names(ask, "relay", ["10.0.0.5"], is_here=True)
    assert found.state is State.WARNING and "cannot be seen from here" in found.says
