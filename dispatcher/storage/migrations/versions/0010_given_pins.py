"""By whom a PIN was given: it approves none of the alerts of whoever may know it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("staff", sa.Column("pin_given_by", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=True))


def downgrade() -> None:
    op.drop_column("staff", "pin_given_by")
