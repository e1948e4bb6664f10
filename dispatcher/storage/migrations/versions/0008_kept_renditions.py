"""A version keeps what each channel carries of it, and a decision the digest of that: what an officer has read and heard
is what leaves, whatever settings or a newer Dispatcher would make of it meanwhile.

What was written before keeps none, and is composed as before. Neither column makes PostgreSQL write a table anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    kept = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("versions", sa.Column("renditions", kept, nullable=True))
    op.add_column("decisions", sa.Column("renditions", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    # Not in batches: a table made anew on SQLite loses the triggers that keep the search.
    op.drop_column("decisions", "renditions")
    op.drop_column("versions", "renditions")
