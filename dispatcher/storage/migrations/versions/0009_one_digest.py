"""One digest over all that an officer decides on: what the author handed in and what channels carry of it.

What the author handed in has a digest of its own, by which alerts that say the same are found. What versions kept under
a digest that did not cover it is forgotten: they are composed anew, as those are that never kept any. Attempts of
letters stand in the index of deliveries again, without which SQLite takes the wrong one. A call keeps whom the officer
has heard that the alert goes to.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KNOWN = sa.text("delivery_id IS NOT NULL")


def upgrade() -> None:
    # Not in batches: a table made anew on SQLite loses the triggers that keep the search.
    op.add_column("versions", sa.Column("input_digest", sa.String(length=64), nullable=False, server_default=""))
    op.execute("UPDATE versions SET input_digest = digest, renditions = NULL")
    op.drop_index("ix_versions_digest", "versions")
    op.create_index("ix_versions_input_digest", "versions", ["input_digest"])
    op.drop_column("decisions", "renditions")
    op.add_column("staff_calls", sa.Column("audience_seen", sa.String(length=64), nullable=False, server_default=""))
    op.drop_index("ix_attempts_delivery_id", "attempts")
    op.create_index("ix_attempts_delivery_id", "attempts", ["delivery_id"])


def downgrade() -> None:
    op.drop_index("ix_attempts_delivery_id", "attempts")
    op.create_index("ix_attempts_delivery_id", "attempts", ["delivery_id"], sqlite_where=KNOWN, postgresql_where=KNOWN)
    op.drop_column("staff_calls", "audience_seen")
    op.add_column("decisions", sa.Column("renditions", sa.String(length=64), nullable=False, server_default=""))
    op.drop_index("ix_versions_input_digest", "versions")
    # Nothing that was approved with its renditions is what was approved without them: it is approved anew.
    op.create_index("ix_versions_digest", "versions", ["digest"])
    op.drop_column("versions", "input_digest")
