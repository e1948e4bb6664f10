"""What each page and each submission asks for is found without reading all there ever was: orders that are not decided,
alerts of a day by their state, and versions by their digest.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    undecided = sa.text("state IN ('claimed', 'waiting')")
    op.create_index(
        "ix_order_requests_undecided",
        "order_requests",
        ["conversation_id", "claimed_by"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
    op.create_index("ix_messages_lately", "messages", ["state", "submitted_at"])
    op.create_index("ix_versions_digest", "versions", ["digest"])


def downgrade() -> None:
    op.drop_index("ix_versions_digest", "versions")
    op.drop_index("ix_messages_lately", "messages")
    op.drop_index("ix_order_requests_undecided", "order_requests")
