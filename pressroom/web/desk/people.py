"""The people behind acts, as one reader may know them: owners see addresses, everybody else sees roles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pressroom.mailing.record import Who
from pressroom.people import audit, inviting
from pressroom.people.account import Role, role_in
from pressroom.web.desk.room import Room
from pressroom.web.publishing import the_service


@dataclass(frozen=True)
class Approver:
    """`address` is opened for owners only."""

    role: Role
    address: str | None


def who(entered: Room, account_ids: Iterable[int | None]) -> Who:
    accounts = {one for one in account_ids if one is not None}
    open_ = audit.addresses(entered.tx, the_service().keyring, accounts) if entered.role is Role.OWNER else {}
    return Who(audit.roles(entered.tx, entered.newsroom.id, accounts), open_)


def approvers(entered: Room, account_ids: Sequence[int]) -> list[Approver]:
    """Without those whose accounts are disabled."""
    keyring, out = the_service().keyring, []
    for account_id in account_ids:
        open_addresses = inviting.addresses_of(entered.tx, keyring, [account_id])
        role = role_in(entered.tx, account_id, entered.newsroom.id)
        if open_addresses and role:
            out.append(Approver(role, open_addresses[0] if entered.role is Role.OWNER else None))
    return out
