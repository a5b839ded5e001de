from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import select
from werkzeug.test import TestResponse

from pressroom import create_app
from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing.arrival import Arrival, Form
from pressroom.outbox import OutboxRow
from pressroom.outgoing import client
from pressroom.pushing.call import Answer, Call, Forbidden, Unreachable
from pressroom.service import Service
from pressroom.web.sns import Amazon
from tests.name_server import NameServer

SECRET = "h" * 40
LOGIN = "relay:0123456789abcdef"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc123.pem"
CONFIRMATION_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
SENDGRID = ec.generate_private_key(ec.SECP256R1())
SNS = rsa.generate_private_key(65537, 2048)
BODY = b'{"type": "bounce", "recipient": "dilan@example.org", "status": "5.1.1"}'


class Post:
    """A site with every hook configured, and who posts to them."""

    def __init__(self, config: Config, database: Database) -> None:
        public = SENDGRID.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.config = replace(
            config, hook_secret=SECRET, mailgun_key=SECRET, postmark_login=LOGIN, sparkpost_login=LOGIN,
            sendgrid_key=base64.b64encode(public).decode(), ses_topic=TOPIC,
        )  # fmt: skip
        self.database = database
        self.service = Service(self.config)
        app = create_app(service=self.service)
        app.testing = True
        self.fetched: list[str] = []
        self.amazon: Amazon = app.extensions["pressroom.amazon"]
        self.amazon.call = self._answer
        self.client = app.test_client()

    def _answer(self, call: Call) -> Answer:
        self.fetched.append(call.url)
        return Answer(200, certificate()[: call.reads])

    def to(self, sender: str, body: bytes, headers: dict[str, str], kind: str = "application/json") -> TestResponse:
        return self.client.post(f"/hooks/{sender}", data=body, headers=headers, content_type=kind)

    def stored(self) -> list[Form]:
        with self.database.reading() as tx:
            rung = len(tx.scalars(select(OutboxRow).where(OutboxRow.kind == "judge_arrival")).all())
            forms = list(tx.scalars(select(Arrival.form).order_by(Arrival.id)))
        assert rung == len(forms)
        return forms


@pytest.fixture
def post(config: Config, database: Database) -> Iterator[Post]:
    post = Post(config, database)
    yield post
    post.service.database.dispose()


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(SNS.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return made.sign(SNS, SHA256()).public_bytes(Encoding.PEM)


def own(body: bytes = BODY, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(at if at is not None else time.time()))
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Pressroom-Timestamp": timestamp, "Pressroom-Signature": f"v1={mac}"}


def mailgun(token: str = "t1", *, key: str = SECRET, at: float | None = None, event: str = "complained") -> bytes:
    timestamp = str(int(at if at is not None else time.time()))
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": timestamp, "token": token, "signature": signature}
    return json.dumps({"signature": signed, "event-data": {"event": event}}).encode()


def sendgrid(body: bytes, *, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(at if at is not None else time.time()))
    signature = SENDGRID.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
    }


def basic(login: str = LOGIN) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


def ses(version: str = "2", **given: str) -> bytes:
    said = {
        "Type": "Notification", "MessageId": "m1", "Message": "{}", "Timestamp": "2026-11-25T04:00:00.000Z",
        "TopicArn": TOPIC, "SignatureVersion": version, "SigningCertURL": CERTIFICATE_URL, **given,
    }  # fmt: skip
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    canonical = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    signature = SNS.sign(canonical.encode(), padding.PKCS1v15(), SHA256() if version == "2" else SHA1())
    return json.dumps({**said, "Signature": base64.b64encode(signature).decode()}).encode()


def confirmation(url: str = CONFIRMATION_URL) -> bytes:
    return ses(Type="SubscriptionConfirmation", SubscribeURL=url, Token="t")


def test_a_hook_without_its_secret_does_not_exist(config: Config, database: Database) -> None:
    client = create_app(config).test_client()
    nothing = client.post("/hooks/nothing").data
    for sender in ("bounces", "mailgun", "postmark", "sendgrid", "ses", "sparkpost"):
        answer = client.post(f"/hooks/{sender}", data=BODY, headers=own())
        assert answer.status_code == 404 and answer.data == nothing


def test_what_is_signed_is_stored_and_judged_later(post: Post) -> None:
    events = b'[{"event": "spamreport"}]'
    answers = [
        post.to("bounces", BODY, own()),
        post.to("bounces", b"To: x\n\nhello", own(b"To: x\n\nhello"), "message/rfc822"),
        post.to("mailgun", mailgun(), {}),
        post.to("postmark", b'{"Type": "HardBounce"}', basic()),
        post.to("sendgrid", events, sendgrid(events)),
        post.to("ses", ses(), {}, "text/plain; charset=UTF-8"),
        post.to("ses", ses("1", Message="{} "), {}, "text/plain; charset=UTF-8"),
        post.to("sparkpost", b"[]", basic()),
    ]
    assert [one.status_code for one in answers] == [200] * 8
    assert post.stored() == [
        Form.REPORT, Form.MESSAGE, Form.MAILGUN, Form.POSTMARK, Form.SENDGRID, Form.SES, Form.SES, Form.SPARKPOST,
    ]  # fmt: skip
    assert all("Set-Cookie" not in one.headers for one in answers)


def test_what_is_not_signed_is_refused_and_not_stored(post: Post) -> None:
    for sender, body in {"bounces": BODY, "mailgun": BODY, "postmark": BODY, "sendgrid": BODY, "ses": BODY}.items():
        assert post.to(sender, body, {}).status_code == 401
    events = b"[]"
    hour, week = time.time() - 3600, time.time() - 7 * 86400
    wrong = [
        post.to("bounces", BODY + b" ", own()),
        post.to("bounces", BODY, own(secret="x" * 40)),
        post.to("bounces", BODY, own(at=hour)),
        post.to("bounces", BODY, {**own(), "Pressroom-Timestamp": "²"}),
        post.to("mailgun", mailgun(key="x"), {}),
        post.to("mailgun", mailgun(at=week), {}),
        post.to("postmark", BODY, basic("relay:0123456789abcdeF")),
        post.to("sparkpost", BODY, {"Authorization": "Basic é"}),
        post.to("sendgrid", b"[ ]", sendgrid(events)),
        post.to("sendgrid", events, sendgrid(events, at=week)),
        post.to("ses", ses().replace(b"m1", b"m2"), {}),
        post.to("ses", ses(TopicArn=TOPIC + "x"), {}),
    ]
    assert [one.status_code for one in wrong] == [403] * len(wrong)
    assert post.stored() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc123.pem",
        "https://sns.eu-west-1.amazonaws.com.example.org/SimpleNotificationService-abc123.pem",
        "https://example.org/SimpleNotificationService-abc123.pem",
        "https://x@sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc123.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-abc123.pem",
        "https://sns.eu-west-1.amazonaws.com/bucket/mine.pem",
        "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-abc123.pem",
        "https://[",
    ],
)
def test_no_certificate_is_fetched_from_anywhere_but_amazon(post: Post, url: str) -> None:
    assert post.to("ses", ses(SigningCertURL=url), {}).status_code == 403
    assert post.fetched == [] and post.stored() == []


def test_a_topic_is_confirmed_at_amazon_only(post: Post) -> None:
    for url in (CONFIRMATION_URL, "https://example.org/?Action=ConfirmSubscription"):
        assert post.to("ses", confirmation(url), {}).status_code == 200
    assert post.fetched == [CERTIFICATE_URL, CONFIRMATION_URL]
    assert post.stored() == []


def test_a_certificate_is_fetched_once_and_a_confirmation_each_time(post: Post) -> None:
    for _ in range(2):
        assert post.to("ses", ses(), {}).status_code == 200
        assert post.to("ses", confirmation(), {}).status_code == 200
    assert post.fetched == [CERTIFICATE_URL, CONFIRMATION_URL, CONFIRMATION_URL]


@pytest.mark.parametrize("came", [Unreachable(), Forbidden(), Answer(503), Answer(204)])
@pytest.mark.parametrize("given", ["notification", "confirmation"])
def test_amazon_that_cannot_be_reached_is_asked_to_try_again(post: Post, came: Answer | Exception, given: str) -> None:
    def away(call: Call) -> Answer:
        if given == "confirmation" and call.url == CERTIFICATE_URL:
            return Answer(200, certificate())
        if isinstance(came, Exception):
            raise came
        return came

    post.amazon.call, answer = away, post.amazon.call
    body = ses() if given == "notification" else confirmation()
    assert post.to("ses", body, {}).status_code == 503
    assert post.stored() == []
    post.amazon.call = answer
    assert post.to("ses", body, {}).status_code == 200, "a failure is not kept"


def test_what_is_no_certificate_is_not_kept(post: Post) -> None:
    post.amazon.call, answer = (lambda _: Answer(200, b"maintenance")), post.amazon.call
    assert post.to("ses", ses(), {}).status_code == 403
    post.amazon.call = answer
    assert post.to("ses", ses(), {}).status_code == 200


def test_a_host_of_amazons_that_leads_into_a_private_network_is_not_connected_to(
    config: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> socket.socket:
        raise AssertionError("it connected")

    with NameServer() as names:
        names.know("sns.eu-west-1.amazonaws.com", "A", ["10.0.0.7"])
        app = create_app(replace(config, ses_topic=TOPIC, dns_server=names.address))
        monkeypatch.setattr(client.socket, "create_connection", connect)
        answer = app.test_client().post("/hooks/ses", data=ses())
        assert answer.status_code == 503 and names.asked["sns.eu-west-1.amazonaws.com", "A"] == 1
        app.extensions["pressroom"].database.dispose()


def test_the_same_request_again_is_stored_once(post: Post) -> None:
    headers, same = own(), mailgun()
    for _ in range(3):
        assert post.to("bounces", BODY, headers).status_code == 200
        assert post.to("mailgun", same, {}).status_code == 200
        assert post.to("mailgun", same.replace(b"complained", b"failed"), {}).status_code == 200
    assert post.stored() == [Form.REPORT, Form.MAILGUN]


def test_a_request_that_is_too_large_is_refused(post: Post) -> None:
    large = b" " * (2 << 20)
    assert post.to("bounces", large, own(large)).status_code == 413
    assert post.stored() == []
