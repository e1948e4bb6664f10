"""A release's rows are no longer checked one by one: four foreign keys took PostgreSQL half of an approval's time.

Each checked row also locked the row it named, and so wrote to every customer of the audience. What they kept, that no
id stands for nothing, `dispatcher verify` looks for.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS = (
    ("recipients", "message_id", "messages"),
    ("recipients", "customer_id", "customers"),
    ("recipients", "delivery_id", "deliveries"),
    ("deliveries", "message_id", "messages"),
)


def upgrade() -> None:
    for table in ("recipients", "deliveries"):
        with op.batch_alter_table(table) as batch:
            for of, column, named in KEYS:
                if of == table:
                    batch.drop_constraint(f"fk_{table}_{column}_{named}", type_="foreignkey")


def downgrade() -> None:
    for table in ("deliveries", "recipients"):
        with op.batch_alter_table(table) as batch:
            for of, column, named in KEYS:
                if of == table:
                    batch.create_foreign_key(f"fk_{table}_{column}_{named}", named, [column], ["id"])
