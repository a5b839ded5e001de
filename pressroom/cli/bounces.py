"""`pressroom bounces`: takes in what came back, by hand or from a mail server's pipe."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click

from pressroom.cli.output import json_option, show

# What a pipe transport understands as "try it again later" (sysexits.h, EX_TEMPFAIL).
_TRY_LATER = 75


@click.group()
def bounces() -> None:
    """Take in what came back."""


@bounces.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--recipient", metavar="ADDRESS", help="The envelope's recipient, where no header repeats it.")
@json_option
@click.pass_context
def read(ctx: click.Context, file: BinaryIO, recipient: str | None, as_json: bool) -> None:
    """Store one message that came to the bounce address, and have it judged.

    Exits 75 where it could not be stored, so that a mail server keeps the message and tries again.
    """
    from sqlalchemy.exc import DBAPIError

    from pressroom.cli.opening import database_now, open_service, ring
    from pressroom.errors import PressroomError
    from pressroom.mailing import collecting
    from pressroom.mailing.arrival import LARGEST, Form

    try:
        raw = file.read(LARGEST)
        if recipient:
            # As mail servers add it themselves; line ends here would forge further fields.
            raw = f"Delivered-To: {' '.join(recipient.split())}\n".encode(errors="replace") + raw
        service = open_service()
        is_new = collecting.take_in(service.database, service.keyring, Form.MESSAGE, raw, now=database_now(service))
    except (PressroomError, DBAPIError, OSError) as error:
        said = (
            error.message if isinstance(error, PressroomError) else f"It could not be stored ({type(error).__name__})."
        )
        print(said, file=sys.stderr)
        ctx.exit(_TRY_LATER)
    ring(service)
    show(as_json, {"stored": is_new}, "Stored." if is_new else "It was stored before.")
