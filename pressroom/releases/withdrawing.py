"""Withdrawing: a proposed correction is taken away with its texts, which were never public."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update

from pressroom.db import Database
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving
from pressroom.releases import correction as corrections
from pressroom.releases.approval import Approval
from pressroom.releases.asset import RevisionAsset
from pressroom.releases.correction import CorrectionChange
from pressroom.releases.revision import Revision


def withdraw(database: Database, release_id: str, *, now: datetime, by: int | None) -> None:
    """Takes a proposed correction away with its texts, which nobody has read. Raises NotFound and NotAllowed."""
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.WRITE)
        proposed = corrections.waiting(tx, release_id)
        changes = corrections.changes(tx, proposed.id).values()
        drafts = [change.after_id for change in changes]
        for change in changes:
            # A translation made from it meanwhile was made from a text that never came.
            tx.execute(
                update(Revision)
                .where(Revision.source_revision_id == change.after_id, Revision.id.not_in(drafts))
                .values(source_revision_id=change.before_id)
            )
        tx.execute(delete(CorrectionChange).where(CorrectionChange.correction_id == proposed.id))
        tx.delete(proposed)
        for table, column in ((Approval, Approval.revision_id), (RevisionAsset, RevisionAsset.revision_id)):
            tx.execute(delete(table).where(column.in_(drafts)))
        tx.execute(delete(Revision).where(Revision.id.in_(drafts)))
        audit.note(tx, "withdraw correction", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by)
