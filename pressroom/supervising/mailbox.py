"""The demo's mail server: takes every message on loopback and keeps it in a Maildir; nothing leaves the machine.

Run as `python -m pressroom.supervising.mailbox`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from pressroom.supervising import keeping

_LARGEST = 32 * 1024 * 1024


class Maildir:
    """A Maildir (tmp, new, cur) whose messages are on the disk, under their final name, when keep() returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = itertools.count()
        for folder in (path, path / "tmp", path / "new", path / "cur"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def keep(self, message: bytes) -> Path:
        """Raises OSError if it could not be made durable; then nothing is in `new`."""
        host = socket.gethostname().replace("/", "_").replace(":", "_")
        name = f"{time.time():.6f}.P{os.getpid()}Q{next(self._numbers)}.{host}"
        draft, final = self.path / "tmp" / name, self.path / "new" / name
        with draft.open("xb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(final)
        directory = os.open(self.path / "new", os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return final


class Catcher:
    """aiosmtpd's hooks: every recipient is taken, and the envelope is noted above the message's own header."""

    def __init__(self, maildir: Maildir) -> None:
        self._maildir = maildir

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        # aiosmtpd reads one command at a time from what has arrived, which is all that RFC 2920 asks of a server.
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", *responses[1:]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        noted = [f"Return-Path: <{envelope.mail_from or ''}>"]
        noted += [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        header = "".join(f"{line}\r\n" for line in noted).encode("utf-8", "surrogateescape")
        content = envelope.original_content or b""
        try:
            await asyncio.to_thread(self._maildir.keep, header + content)
        except OSError as error:
            return f"452 4.3.1 The mailbox cannot keep it ({error.strerror})"
        return "250 2.0.0 Kept"


async def serve(port: int, maildir: Path) -> None:
    """Listens on loopback until SIGTERM."""
    # aiosmtpd logs every command, addresses included.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    loop = asyncio.get_running_loop()
    catcher = Catcher(Maildir(maildir))

    def session() -> SMTP:
        return SMTP(catcher, data_size_limit=_LARGEST, enable_SMTPUTF8=True, hostname="localhost", loop=loop)

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = await loop.create_server(session, "127.0.0.1", port)
    await stopping.wait()
    server.close()


def main() -> None:
    """Exits 1 with a sentence where no port was given."""
    config = keeping.load()
    if config.mailbox_port is None:
        sys.exit("PRESSROOM_MAILBOX_PORT is not set: `pressroom up --demo` sets it.")
    asyncio.run(serve(config.mailbox_port, config.mailbox_dir))


if __name__ == "__main__":
    main()
