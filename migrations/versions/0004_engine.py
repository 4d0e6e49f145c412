"""Replies to earlier turns, how outputs were generated, replies under a constraint, and batches at a server."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("outputs", sa.Column("earlier", sa.Text(), nullable=True))
    op.add_column("completions", sa.Column("constrained", sa.String(length=16), nullable=True))
    op.create_table(
        "generators",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("served_model", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_generators_model_id_models")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generators")),
        sa.UniqueConstraint("model_id", name=op.f("uq_generators_model_id")),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generator_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(precision=53), nullable=True),
        sa.Column("latency_s", sa.Float(precision=53), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["outputs.id"], name=op.f("fk_answers_id_outputs")),
        sa.ForeignKeyConstraint(["generator_id"], ["generators.id"], name=op.f("fk_answers_generator_id_generators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("submitted_at", sa.String(length=32), nullable=True),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_batches_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("name", name=op.f("uq_batches_name")),
    )
    op.create_table(
        "batch_trials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("trial_key", sa.String(length=32), nullable=False),
        sa.Column("instruction_id", sa.Integer(), nullable=False),
        sa.Column("output_a_id", sa.Integer(), nullable=False),
        sa.Column("output_b_id", sa.Integer(), nullable=True),
        sa.Column("order", sa.String(length=2), nullable=True),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_trials_batch_id_batches")),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_batch_trials_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["output_a_id"], ["outputs.id"], name=op.f("fk_batch_trials_output_a_id_outputs")),
        sa.ForeignKeyConstraint(["output_b_id"], ["outputs.id"], name=op.f("fk_batch_trials_output_b_id_outputs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_trials")),
        sa.UniqueConstraint("batch_id", "trial_key", name=op.f("uq_batch_trials_batch_id_trial_key")),
    )
    op.create_index(op.f("ix_batch_trials_trial_key"), "batch_trials", ["trial_key"], unique=False)
