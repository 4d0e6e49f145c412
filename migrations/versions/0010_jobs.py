"""Jobs that workers take up. The table was there, and nothing wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.String(length=32)


def upgrade() -> None:
    op.drop_table("jobs")
    op.create_table(
        "jobs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("benchmark_id", _ID, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("specification", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("work_key", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Float(precision=53), nullable=True),
        sa.Column("after_run", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_stopping", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.CheckConstraint("kind IN ('run', 'audit', 'answer') AND actor <> ''", name=op.f("ck_jobs_filled")),
        sa.CheckConstraint(
            "planned >= 0 AND answered >= 0 AND attempts >= 0 AND cost_usd >= 0", name=op.f("ck_jobs_numbers")
        ),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'stopped')", name=op.f("ck_jobs_state")),
        sa.CheckConstraint(
            "(state = 'running') = (holder IS NOT NULL AND expires_at IS NOT NULL)", name=op.f("ck_jobs_lease")
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'stopped')) = (finished_at IS NOT NULL)", name=op.f("ck_jobs_finished")
        ),
        sa.CheckConstraint(
            "(state <> 'failed' OR message <> '') AND (state = 'running' OR NOT is_stopping)", name=op.f("ck_jobs_told")
        ),
        sa.ForeignKeyConstraint(["benchmark_id"], ["benchmarks.id"], name=op.f("fk_jobs_benchmark_id_benchmarks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_benchmark_id"), "jobs", ["benchmark_id"])
    op.create_index(op.f("ix_jobs_state_id"), "jobs", ["state", "id"])
    is_open = sa.text("state IN ('queued', 'running')")
    op.create_index("ix_jobs_open", "jobs", ["work_key"], unique=True, sqlite_where=is_open, postgresql_where=is_open)
