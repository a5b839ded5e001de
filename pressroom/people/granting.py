"""Who may do what. A table, so that it can be read aloud."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pressroom.errors import NotAllowed
from pressroom.people.account import Act, Role, role_in

GRANTS: dict[Role, frozenset[Act]] = {
    Role.OWNER: frozenset(Act),
    Role.EDITOR: frozenset({Act.READ, Act.WRITE, Act.PUBLISH, Act.SEND, Act.STOP}),
    Role.AUTHOR: frozenset({Act.READ, Act.WRITE, Act.STOP}),
    Role.VIEWER: frozenset({Act.READ}),
}


def require(tx: Session, account_id: int, newsroom_id: int, act: Act) -> Role:
    """The account's role in the newsroom. Raises NotAllowed if it does not allow the act."""
    role = role_in(tx, account_id, newsroom_id)
    if role is None or act not in GRANTS[role]:
        raise NotAllowed("Your role in this newsroom does not allow this; ask one of its owners.")
    return role


def permit(tx: Session, by: int | None, newsroom_id: int, act: Act) -> None:
    """For an act of an account, or with None of the command line, whose user holds the whole store anyway.

    Raises NotAllowed if the account's role does not allow it.
    """
    if by is not None:
        require(tx, by, newsroom_id, act)
