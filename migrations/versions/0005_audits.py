"""What audits found, so that leaderboards can say whether their judges passed and what is known of their models."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("judge_digest", sa.String(length=32), nullable=True),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("extent", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("extent >= 0", name=op.f("ck_audits_extent")),
        sa.CheckConstraint("high >= 0", name=op.f("ck_audits_high")),
        sa.ForeignKeyConstraint(["benchmark_id"], ["benchmarks.id"], name=op.f("fk_audits_benchmark_id_benchmarks")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_audits_model_id_models")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
    )
    op.create_index(op.f("ix_audits_benchmark_id_kind"), "audits", ["benchmark_id", "kind"], unique=False)
