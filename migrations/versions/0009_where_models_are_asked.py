"""Where models were asked for their outputs, and claims of those who collect them.

Claims last for a minute and hold nothing else, so that those of ended processes are left behind.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _reference(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "generator_addresses",
        sa.Column("id", _ID, nullable=False),
        sa.Column("generator_id", _ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        _reference("generator_addresses", "generator_id", "generators"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generator_addresses")),
    )
    op.create_index(
        "uq_generator_addresses_generator_id_url", "generator_addresses", ["generator_id", "url"], unique=True
    )
    op.drop_table("claims")
    op.create_table(
        "claims",
        sa.Column("trial_key", sa.String(length=32), nullable=False),
        sa.Column("run_id", _ID, nullable=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("holder <> ''", name=op.f("ck_claims_holder")),
        _reference("claims", "run_id", "runs"),
        sa.PrimaryKeyConstraint("trial_key", name=op.f("pk_claims")),
        sqlite_with_rowid=False,
    )
