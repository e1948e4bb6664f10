"""An attempt writes two entries into indexes before its call and one after it, not four and two.

Indexes hold only what is looked for by them: a letter where there is one, a provider's reference once it is known. That
its delivery is there is not checked once more, for the claim that writes it holds the delivery's row.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS = {
    "ix_attempts_delivery_id": ["delivery_id"],
    "ix_attempts_letter_id": ["letter_id"],
    "ix_attempts_provider_ref": ["provider", "provider_ref"],
}
CHECKED = "fk_attempts_delivery_id_deliveries"


def upgrade() -> None:
    with op.batch_alter_table("attempts") as batch:
        for name in KEYS:
            batch.drop_index(name)
        batch.drop_constraint(CHECKED, type_="foreignkey")
    for name, columns in KEYS.items():
        known = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(name, "attempts", columns, sqlite_where=known, postgresql_where=known)


def downgrade() -> None:
    for name in KEYS:
        op.drop_index(name, "attempts")
    with op.batch_alter_table("attempts") as batch:
        batch.create_foreign_key(CHECKED, "deliveries", ["delivery_id"], ["id"])
        for name, columns in KEYS.items():
            batch.create_index(name, columns)
