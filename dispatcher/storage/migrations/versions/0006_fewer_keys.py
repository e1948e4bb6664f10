"""A release writes two entries for each recipient into indexes, not four: a recipient has no number of its own, and
is found by customer and message, or by message and delivery.

What went to an address is found by the address first: PostgreSQL compares one text for each step down the index, not
two, and byte by byte, not by the rules of a language.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ADDRESSES = ("deliveries", "contact_points", "suppressions", "letters", "conversations")
NEW, OLD = ("address", "channel", "message_id"), ("channel", "address", "message_id")


def upgrade() -> None:
    with op.batch_alter_table("recipients") as batch:
        batch.drop_index("ix_recipients_customer_id")
        batch.drop_index("ix_recipients_delivery_id")
        batch.drop_constraint("uq_recipients_message_id_customer_id", type_="unique")
        batch.drop_constraint("pk_recipients", type_="primary")
        batch.drop_column("id")
        batch.create_primary_key("pk_recipients", ["customer_id", "message_id"])
        batch.create_index("ix_recipients_message_id", ["message_id", "delivery_id"])
    _addresses_compared('"C"', OLD, NEW)


def downgrade() -> None:
    _addresses_compared('"default"', NEW, OLD)
    op.drop_index("ix_recipients_message_id", "recipients")
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("pk_recipients", "recipients", type_="primary")
        op.execute("ALTER TABLE recipients ADD COLUMN id BIGSERIAL CONSTRAINT pk_recipients PRIMARY KEY")
        op.create_unique_constraint("uq_recipients_message_id_customer_id", "recipients", ["message_id", "customer_id"])
    else:
        with op.batch_alter_table("recipients") as batch:
            batch.drop_constraint("pk_recipients", type_="primary")
            batch.add_column(sa.Column("id", sa.Integer(), nullable=False), insert_before="customer_id")
            batch.create_primary_key("pk_recipients", ["id"])
            batch.create_unique_constraint("uq_recipients_message_id_customer_id", ["message_id", "customer_id"])
    op.create_index("ix_recipients_customer_id", "recipients", ["customer_id"])
    op.create_index("ix_recipients_delivery_id", "recipients", ["delivery_id"])


def _addresses_compared(collation: str, was: tuple[str, ...], becomes: tuple[str, ...]) -> None:
    """SQLite compares byte by byte anyway. No table is written anew on PostgreSQL: indexes are."""
    with op.batch_alter_table("deliveries") as batch:
        batch.drop_constraint(f"uq_deliveries_{'_'.join(was)}", type_="unique")
        if op.get_context().dialect.name == "sqlite":
            batch.create_unique_constraint(f"uq_deliveries_{'_'.join(becomes)}", becomes)
    if op.get_context().dialect.name == "postgresql":
        for table in ADDRESSES:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN address TYPE VARCHAR(320) COLLATE {collation}")
        op.create_unique_constraint(f"uq_deliveries_{'_'.join(becomes)}", "deliveries", becomes)
