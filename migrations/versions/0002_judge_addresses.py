"""Where judges are reached, so that a judge can be used by its name."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "judge_addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("key_env", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("price", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["judge_id"], ["judges.id"], name=op.f("fk_judge_addresses_judge_id_judges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_addresses")),
        sa.UniqueConstraint("judge_id", name=op.f("uq_judge_addresses_judge_id")),
    )
