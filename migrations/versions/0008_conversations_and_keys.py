"""Whole conversations, samples, keys by instruction, 64-bit ids, and tables for what is to come.

Nothing that is stored changes: rows of tables whose constraints change are copied as they are. SQLite has 64-bit ids.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STYLE = ("headers", "lists", "bold", "code")
_WIDENED = {  # table -> its columns that hold ids
    "benchmarks": ("id",),
    "instructions": ("id", "benchmark_id"),
    "models": ("id",),
    "outputs": ("id", "instruction_id", "model_id"),
    "generators": ("id", "model_id"),
    "answers": ("id", "generator_id"),
    "judges": ("id",),
    "judge_addresses": ("id", "judge_id"),
    "runs": ("id", "benchmark_id", "judge_id"),
    "completions": ("id",),
    "verdicts": (*("id", "run_id", "judge_id", "instruction_id", "output_a_id", "output_b_id"), "completion_id"),
    "batches": ("id", "run_id"),
    "batch_trials": ("id", "batch_id", "instruction_id", "output_a_id", "output_b_id"),
    "verdict_blocks": ("id",),
    "human_labels": ("id", "instruction_id", "output_a_id", "output_b_id"),
    "audits": ("id", "benchmark_id", "model_id"),
}
_UNCOUNTED = ("answers", "completions", "verdicts", "verdict_blocks")  # tables whose ids no sequence gives


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild("outputs", _outputs(), ("id", "instruction_id", "model_id", "text", "length_chars", "earlier"))
        op.create_index(op.f("ix_outputs_model_id"), "outputs", ["model_id"])
        _rebuild("verdicts", _verdicts(), tuple(column.name for column in _verdicts() if isinstance(column, sa.Column)))
        op.create_index(
            "ix_verdicts_battle", "verdicts", ["instruction_id", "output_a_id", "output_b_id", "judge_id", "preference"]
        )
        op.create_index("ix_verdicts_revised", "verdicts", ["trial_key"], sqlite_where=sa.text("revision > 0"))
        _rebuild("judge_addresses", _addresses(), ("id", "judge_id", "url", "key_env", "template", "price"))
    else:
        _widen()
        _alter_outputs()
        op.drop_constraint(op.f("uq_verdicts_trial_key_revision"), "verdicts")
        op.create_unique_constraint(
            op.f("uq_verdicts_trial_key_instruction_id_revision"),
            "verdicts",
            ["trial_key", "instruction_id", "revision"],
        )
        op.drop_constraint(op.f("uq_judge_addresses_judge_id"), "judge_addresses")
        op.create_unique_constraint(op.f("uq_judge_addresses_judge_id_url"), "judge_addresses", ["judge_id", "url"])
    in_process = sa.text("url IS NULL")
    op.create_index(
        "ix_judge_addresses_in_process",
        "judge_addresses",
        ["judge_id"],
        unique=True,
        sqlite_where=in_process,
        postgresql_where=in_process,
    )
    op.add_column("instructions", sa.Column("messages", sa.Text(), nullable=True))
    op.add_column("judges", sa.Column("shows", sa.Text(), nullable=True))
    op.add_column("batch_trials", sa.Column("sent_key", sa.String(length=32), nullable=True))
    _create_tables()
    _keep_events()


def _rebuild(table: str, columns: list[sa.schema.SchemaItem], kept: tuple[str, ...]) -> None:
    """What SQLite calls for where a constraint changes; foreign keys are off meanwhile."""
    names = ", ".join(f'"{name}"' for name in kept)
    op.create_table(f"{table}_rebuilt", *columns)
    op.execute(f"INSERT INTO {table}_rebuilt ({names}) SELECT {names} FROM {table} ORDER BY id")  # noqa: S608
    op.drop_table(table)
    op.rename_table(f"{table}_rebuilt", table)


def _widen() -> None:
    for table, columns in _WIDENED.items():
        changes = ", ".join(f'ALTER COLUMN "{column}" TYPE bigint' for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
        if table not in _UNCOUNTED:
            op.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")


def _alter_outputs() -> None:
    op.add_column("outputs", sa.Column("sample", sa.Integer(), nullable=False, server_default="0"))
    for feature in _STYLE:
        op.add_column("outputs", sa.Column(feature, sa.Integer(), nullable=True))
    op.add_column("outputs", sa.Column("messages", sa.Text(), nullable=True))
    op.drop_constraint(op.f("uq_outputs_instruction_id_model_id"), "outputs")
    op.create_unique_constraint(
        op.f("uq_outputs_instruction_id_model_id_sample"), "outputs", ["instruction_id", "model_id", "sample"]
    )
    op.create_check_constraint(op.f("ck_outputs_sample"), "outputs", "sample >= 0")


def _outputs() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instruction_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("length_chars", sa.Integer(), nullable=False),
        sa.Column("earlier", sa.Text(), nullable=True),
        sa.Column("sample", sa.Integer(), nullable=False, server_default="0"),
        *(sa.Column(feature, sa.Integer(), nullable=True) for feature in _STYLE),
        sa.Column("messages", sa.Text(), nullable=True),
        sa.CheckConstraint("sample >= 0", name=op.f("ck_outputs_sample")),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_outputs_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_outputs_model_id_models")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outputs")),
        sa.UniqueConstraint(
            "instruction_id", "model_id", "sample", name=op.f("uq_outputs_instruction_id_model_id_sample")
        ),
    ]


def _verdicts() -> list[sa.schema.SchemaItem]:
    return [
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
        sa.UniqueConstraint(
            *("trial_key", "instruction_id", "revision"), name=op.f("uq_verdicts_trial_key_instruction_id_revision")
        ),
    ]


def _addresses() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("key_env", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("price", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["judge_id"], ["judges.id"], name=op.f("fk_judge_addresses_judge_id_judges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_addresses")),
        sa.UniqueConstraint("judge_id", "url", name=op.f("uq_judge_addresses_judge_id_url")),
    ]


def _create_tables() -> None:
    op.create_table(
        "external_ids",
        sa.Column("id", _ID, nullable=False),
        sa.Column("instruction_id", _ID, nullable=False),
        sa.Column("output_id", _ID, nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.CheckConstraint("name <> '' AND value <> ''", name=op.f("ck_external_ids_filled")),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_external_ids_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_external_ids_output_id_outputs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_ids")),
    )
    op.create_index(op.f("ix_external_ids_name_value"), "external_ids", ["name", "value"])
    for index, column, condition in (
        ("ix_external_ids_instruction", "instruction_id", "output_id IS NULL"),
        ("ix_external_ids_output", "output_id", "output_id IS NOT NULL"),
    ):
        op.create_index(
            index,
            "external_ids",
            [column, "name", "value"],
            unique=True,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    op.create_table(
        "verdict_criteria",
        sa.Column("verdict_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("weight", sa.Float(precision=53), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("number >= 0", name=op.f("ck_verdict_criteria_number")),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_verdict_criteria_weight")),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name=op.f("fk_verdict_criteria_verdict_id_verdicts")),
        sa.PrimaryKeyConstraint("verdict_id", "number", name=op.f("pk_verdict_criteria")),
    )
    op.create_table(
        "claims",
        sa.Column("trial_key", sa.String(length=32), nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("holder <> ''", name=op.f("ck_claims_holder")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_claims_run_id_runs")),
        sa.PrimaryKeyConstraint("trial_key", name=op.f("pk_claims")),
    )
    op.create_index(op.f("ix_claims_run_id"), "claims", ["run_id"])
    op.create_table(
        "events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.CheckConstraint("actor <> '' AND action <> ''", name=op.f("ck_events_filled")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_kind_name"), "events", ["kind", "name"])
    op.create_table(
        "api_tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.Column("revoked_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_api_tokens_digest")),
        sa.CheckConstraint("role IN ('viewer', 'voter', 'submitter', 'admin')", name=op.f("ck_api_tokens_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_api_tokens_name")),
    )
    op.create_table(
        "blobs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_blobs_digest")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_blobs_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blobs")),
        sa.UniqueConstraint("digest", name=op.f("uq_blobs_digest")),
    )
    op.create_table(
        "blob_uses",
        sa.Column("id", _ID, nullable=False),
        sa.Column("blob_id", _ID, nullable=False),
        sa.Column("instruction_id", _ID, nullable=False),
        sa.Column("output_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_blob_uses_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_blob_uses_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_blob_uses_output_id_outputs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_uses")),
    )
    op.create_index(op.f("ix_blob_uses_blob_id"), "blob_uses", ["blob_id"])


def _keep_events() -> None:
    """Have the database itself refuse to change or delete what is written down."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events "
                "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()"
    )
