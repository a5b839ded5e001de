"""What a command says when somebody else has to agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pressroom.errors import NotAllowed
    from pressroom.service import Service


def needs_second(service: Service, what: str, approvers: Sequence[int], more: str = "") -> NotAllowed:
    """The error to raise, with the addresses of those who can agree; the operator may read them."""
    from pressroom.errors import NotAllowed
    from pressroom.people import inviting

    with service.database.reading() as tx:
        names = inviting.addresses_of(tx, service.keyring, approvers)
    who = f"one of these can do it: {', '.join(names)}" if names else "add an owner or editor with `pressroom user add`"
    return NotAllowed(f"{what}: {who}.{more}")
