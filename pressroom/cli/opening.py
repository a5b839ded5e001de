"""What every command opens first: the service on its data directory, with a database that is there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pressroom.errors import NotFound
from pressroom.people import inviting
from pressroom.service import Service
from pressroom.supervising import keeping

if TYPE_CHECKING:
    from pressroom.releases.newsroom import Newsroom


def open_service() -> Service:
    """Raises ConfigError for a missing key, and for a database that is away, empty or of another version."""
    service = Service.open(keeping.load())
    service.check()
    service.check_database()
    return service


def database_now(service: Service) -> datetime:
    """The time that all machines of the service share."""
    with service.database.reading() as tx:
        return service.database.now(tx)


def ring(service: Service) -> None:
    """Tells the workers at once; where Redis is away the clock does it later."""
    from pressroom.doorbell import Doorbell

    Doorbell(service.config.redis_url).ring_due(service.database)


def newsroom_of(service: Service, release_id: str) -> Newsroom:
    """The newsroom of a release. Raises NotFound."""
    from pressroom.releases import release as releases
    from pressroom.releases.newsroom import Newsroom

    with service.database.reading() as tx:
        return tx.get_one(Newsroom, releases.get(tx, release_id).newsroom_id)


def account_of(service: Service, email: str) -> int:
    """The id of somebody's account. Raises NotFound, also for one that was ended."""
    with service.database.reading() as tx:
        found = inviting.by_email(tx, service.keyring, email)
    if found is None or found.disabled_at is not None:
        raise NotFound("There is no account with this address; check how it is written.")
    return found.id
