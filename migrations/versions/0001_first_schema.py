"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "benchmarks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benchmarks")),
        sa.UniqueConstraint("name", name=op.f("uq_benchmarks_name")),
    )
    op.create_table(
        "completions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reasoning", sa.Text(), nullable=True),
        sa.Column("finish_reason", sa.Text(), nullable=True),
        sa.Column("logprobs", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(precision=53), nullable=True),
        sa.Column("latency_s", sa.Float(precision=53), nullable=True),
        sa.CheckConstraint("cost_usd >= 0", name=op.f("ck_completions_cost")),
        sa.CheckConstraint("latency_s >= 0", name=op.f("ck_completions_latency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_completions")),
    )
    op.create_table(
        "judges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_digest", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judges")),
        sa.UniqueConstraint("digest", name=op.f("uq_judges_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_judges_name")),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("trained_on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("name", name=op.f("uq_models_name")),
    )
    op.create_table(
        "instructions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("turns", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("checklist", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["benchmark_id"], ["benchmarks.id"], name=op.f("fk_instructions_benchmark_id_benchmarks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instructions")),
        sa.UniqueConstraint("benchmark_id", "key", name=op.f("uq_instructions_benchmark_id_key")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("specification", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["benchmark_id"], ["benchmarks.id"], name=op.f("fk_runs_benchmark_id_benchmarks")),
        sa.ForeignKeyConstraint(["judge_id"], ["judges.id"], name=op.f("fk_runs_judge_id_judges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_table(
        "outputs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instruction_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("length_chars", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_outputs_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_outputs_model_id_models")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outputs")),
        sa.UniqueConstraint("instruction_id", "model_id", name=op.f("uq_outputs_instruction_id_model_id")),
    )
    op.create_index(op.f("ix_outputs_model_id"), "outputs", ["model_id"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("trial_key", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("instruction_id", sa.Integer(), nullable=False),
        sa.Column("output_a_id", sa.Integer(), nullable=False),
        sa.Column("output_b_id", sa.Integer(), nullable=True),
        sa.Column("order", sa.String(length=2), nullable=True),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("preference", sa.Float(precision=53), nullable=True),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("mass", sa.Float(precision=53), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("parser", sa.Text(), nullable=False),
        sa.Column("completion_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(status = 'tie') = (preference IS NOT NULL AND preference = 0.5)", name=op.f("ck_verdicts_tie")
        ),
        sa.CheckConstraint(
            "(status IN ('ok', 'tie')) = (preference IS NOT NULL OR score IS NOT NULL)",
            name=op.f("ck_verdicts_verdict_or_failure"),
        ),
        sa.CheckConstraint(
            "source = 'label' OR source = 'logprobs' OR source = 'likelihood' OR source = 'identical' "
            "OR source = 'recorded' OR source = 'none'",
            name=op.f("ck_verdicts_source"),
        ),
        sa.CheckConstraint(
            "status = 'ok' OR status = 'tie' OR status = 'unparsed' OR status = 'refused' "
            "OR status = 'truncated' OR status = 'failed'",
            name=op.f("ck_verdicts_status"),
        ),
        sa.CheckConstraint("\"order\" IN ('AB', 'BA')", name=op.f("ck_verdicts_order")),
        sa.CheckConstraint("mass >= 0 AND mass <= 1.000001", name=op.f("ck_verdicts_mass")),
        sa.CheckConstraint("output_a_id <> output_b_id", name=op.f("ck_verdicts_sides")),
        sa.CheckConstraint("preference >= 0 AND preference <= 1", name=op.f("ck_verdicts_preference")),
        sa.CheckConstraint("repeat >= 0", name=op.f("ck_verdicts_repeat")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_verdicts_revision")),
        sa.ForeignKeyConstraint(
            ["completion_id"], ["completions.id"], name=op.f("fk_verdicts_completion_id_completions")
        ),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_verdicts_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["judge_id"], ["judges.id"], name=op.f("fk_verdicts_judge_id_judges")),
        sa.ForeignKeyConstraint(["output_a_id"], ["outputs.id"], name=op.f("fk_verdicts_output_a_id_outputs")),
        sa.ForeignKeyConstraint(["output_b_id"], ["outputs.id"], name=op.f("fk_verdicts_output_b_id_outputs")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_verdicts_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.UniqueConstraint("trial_key", "revision", name=op.f("uq_verdicts_trial_key_revision")),
    )
    op.create_index(
        op.f("ix_verdicts_instruction_id_judge_id"), "verdicts", ["instruction_id", "judge_id"], unique=False
    )
    op.create_index(
        "ix_verdicts_revised",
        "verdicts",
        ["trial_key"],
        unique=False,
        sqlite_where=sa.text("revision > 0"),
        postgresql_where=sa.text("revision > 0"),
    )
