"""Others' ways of sending, each as plain as its documentation shows it; run by mail.py in a process of its own."""

from __future__ import annotations

import sys

import redis
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from flask import Flask
from flask_mail import Mail, Message
from rq import Queue, SimpleWorker


def _app(port: int) -> tuple[Flask, Mail]:
    app = Flask(__name__)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port, MAIL_DEFAULT_SENDER="press@example.org")
    return app, Mail(app)


def _message(number: int, size: int) -> Message:
    text = f"Dear person {number},\n\n" + "A sentence of the statement. \n" * (size // 2 // 30)
    return Message("A headline", [f"person{number}@example.org"], body=text, html=f"<p>{text}</p>")


def flask_mail_loop(port: int, messages: int, size: int) -> None:
    app, mail = _app(port)
    with app.app_context(), mail.connect() as connection:
        for number in range(messages):
            connection.send(_message(number, size))


def send_one(port: int, number: int, size: int) -> None:
    app, mail = _app(port)
    with app.app_context():
        mail.send(_message(number, size))


def rq_jobs(port: int, messages: int, size: int, redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    queue = Queue("mail", connection=connection)
    for number in range(messages):
        queue.enqueue("tests.bench.contenders.send_one", port, number, size)
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR")


def rsa_operations(_port: int, messages: int, _size: int) -> None:
    """The key operation of an RSA-2048 signature and nothing else."""
    key = rsa.generate_private_key(65537, 2048)
    for number in range(messages):
        key.sign(number.to_bytes(32, "big"), padding.PKCS1v15(), Prehashed(hashes.SHA256()))


if __name__ == "__main__":
    name, port, messages, size, *rest = sys.argv[1:]
    senders = {"flask_mail_loop": flask_mail_loop, "rq_jobs": rq_jobs, "rsa_operations": rsa_operations}
    senders[name](int(port), int(messages), int(size), *rest)
