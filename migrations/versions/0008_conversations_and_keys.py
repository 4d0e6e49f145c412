"""Whole conversations, samples, keys by instruction, 64-bit ids, and tables for what is to come.

Nothing that is stored changes: rows of tables whose constraints change are copied as they are. SQLite has 64-bit ids.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STYLE = ("headers", "lists", "bold", "code")
_CHECKS_OF_OUTPUTS = {
    "sample": "sample >= 0",
    "length": "length_chars >= 0",
    "style": "headers >= 0 AND lists >= 0 AND bold >= 0 AND code >= 0",
    "counted": (
        "(headers IS NULL) = (lists IS NULL) AND (lists IS NULL) = (bold IS NULL) AND (bold IS NULL) = (code IS NULL)"
    ),
}
_WIDENED = {  # table -> its columns that hold ids; verdicts are built anew
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
    "batches": ("id", "run_id"),
    "batch_trials": ("id", "batch_id", "instruction_id", "output_a_id", "output_b_id"),
    "verdict_blocks": ("id",),
    "human_labels": ("id", "instruction_id", "output_a_id", "output_b_id"),
    "audits": ("id", "benchmark_id", "model_id"),
}
_UNCOUNTED = ("answers", "completions", "verdict_blocks")  # tables whose ids no sequence gives


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild("outputs", _outputs(), ("id", "instruction_id", "model_id", "text", "length_chars", "earlier"))
        op.create_index(op.f("ix_outputs_model_id"), "outputs", ["model_id"])
        _rebuild("verdicts", [*_verdicts(), *_references_of_verdicts()], _names(_verdicts()))
        _rebuild("judge_addresses", _addresses(), ("id", "judge_id", "url", "key_env", "template", "price"))
        _rebuild("human_labels", _labels(), _names(_labels())[:-1])
        op.create_index(op.f("ix_human_labels_instruction_id"), "human_labels", ["instruction_id"])
    else:
        for reference in _references_of_verdicts():
            op.drop_constraint(str(reference.name), "verdicts")
        _widen()
        _alter()
        _rebuild_verdicts()
    _index()
    op.add_column("instructions", sa.Column("messages", sa.Text(), nullable=True))
    op.add_column("instructions", sa.Column("goals", sa.Text(), nullable=True))
    op.add_column("judges", sa.Column("shows", sa.Text(), nullable=True))
    op.add_column("batch_trials", sa.Column("sent_key", sa.String(length=32), nullable=True))
    op.execute("ALTER TABLE runs ADD COLUMN shard SMALLINT")
    op.execute(
        "ALTER TABLE runs ADD COLUMN shards SMALLINT CONSTRAINT ck_runs_shard CHECK (shard BETWEEN 1 AND shards) "
        "CONSTRAINT ck_runs_shards CHECK ((shard IS NULL) = (shards IS NULL))"
    )
    _create_tables()
    _keep_events()
    if op.get_bind().dialect.name == "postgresql":  # which knows nothing of how many rows a new table has
        op.execute("ANALYZE completions, outputs, verdicts")


def _rebuild(table: str, items: Sequence[sa.schema.SchemaItem], kept: Sequence[str]) -> None:
    """What SQLite calls for where a constraint changes; foreign keys are off meanwhile."""
    op.create_table(f"{table}_rebuilt", *items)
    _replace(table, kept)


def _replace(table: str, kept: Sequence[str]) -> None:
    names = ", ".join(f'"{name}"' for name in kept)
    op.execute(f"INSERT INTO {table}_rebuilt ({names}) SELECT {names} FROM {table} ORDER BY id")  # noqa: S608
    op.drop_table(table)
    op.rename_table(f"{table}_rebuilt", table)


def _rebuild_verdicts() -> None:
    """PostgreSQL would write them anew to widen the ids; in an order of columns that pads fewer bytes."""
    op.execute("ALTER TABLE verdicts RENAME CONSTRAINT pk_verdicts TO pk_verdicts_before")
    op.create_table("verdicts_rebuilt", *_verdicts())
    _replace("verdicts", _names(_verdicts()))
    for reference in _references_of_verdicts():
        [column] = reference.column_keys
        [target] = reference.elements
        op.create_foreign_key(str(reference.name), "verdicts", target.target_fullname.split(".")[0], [column], ["id"])


def _names(items: Sequence[sa.schema.SchemaItem]) -> list[str]:
    return [item.name for item in items if isinstance(item, sa.Column)]


def _index() -> None:
    """Made when all rows are there, which is faster and packs them; unique ones instead of constraints."""
    for table, columns in (
        ("outputs", ("instruction_id", "model_id", "sample")),
        ("verdicts", ("trial_key", "revision", "instruction_id")),
        ("judge_addresses", ("judge_id", "url")),
        ("human_labels", ("annotator", "output_a_id", "output_b_id", "question")),
    ):
        op.create_index(f"uq_{table}_{'_'.join(columns)}", table, columns, unique=True)
    _index_where("ix_judge_addresses_in_process", "judge_addresses", ["judge_id"], "url IS NULL", unique=True)
    _index_where("ix_outputs_sampled", "outputs", ["instruction_id"], "sample > 0")
    _index_where("ix_verdicts_revised", "verdicts", ["trial_key"], "revision > 0")
    battle = ["instruction_id", "output_a_id", "output_b_id", "judge_id", "preference"]
    op.create_index("ix_verdicts_battle", "verdicts", battle)


def _index_where(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _widen() -> None:
    for table, columns in _WIDENED.items():
        changes = ", ".join(f'ALTER COLUMN "{column}" TYPE bigint' for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
        if table not in _UNCOUNTED:
            op.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")


def _alter() -> None:
    """What ``_rebuild`` changes in SQLite, but for the verdicts."""
    op.add_column("outputs", sa.Column("sample", sa.Integer(), nullable=False, server_default="0"))
    for feature in _STYLE:
        op.add_column("outputs", sa.Column(feature, sa.Integer(), nullable=True))
    op.add_column("outputs", sa.Column("messages", sa.Text(), nullable=True))
    for name, condition in _CHECKS_OF_OUTPUTS.items():
        op.create_check_constraint(op.f(f"ck_outputs_{name}"), "outputs", condition)
    op.drop_constraint(op.f("uq_outputs_instruction_id_model_id"), "outputs")
    op.drop_constraint(op.f("uq_judge_addresses_judge_id"), "judge_addresses")
    op.add_column("judge_addresses", sa.Column("settings", sa.Text(), nullable=True))
    op.add_column("judge_addresses", sa.Column("abilities", sa.Text(), nullable=True))
    op.drop_constraint(op.f("uq_human_labels_annotator_output_a_id_output_b_id"), "human_labels")
    op.add_column("human_labels", sa.Column("question", sa.String(length=64), nullable=False, server_default=""))


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
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_outputs_{name}"))
            for name, condition in _CHECKS_OF_OUTPUTS.items()
        ),
        _reference("outputs", "instruction_id", "instructions"),
        _reference("outputs", "model_id", "models"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outputs")),
    ]


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _verdicts() -> list[sa.schema.SchemaItem]:
    """Numbers first, the widest before the others."""
    return [
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("judge_id", _ID, nullable=False),
        sa.Column("instruction_id", _ID, nullable=False),
        sa.Column("output_a_id", _ID, nullable=False),
        sa.Column("output_b_id", _ID, nullable=True),
        sa.Column("completion_id", _ID, nullable=True),
        sa.Column("preference", sa.Float(precision=53), nullable=True),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("mass", sa.Float(precision=53), nullable=True),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("trial_key", sa.String(length=32), nullable=False),
        sa.Column("order", sa.String(length=2), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("parser", sa.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    ]


def _references_of_verdicts() -> list[sa.ForeignKeyConstraint]:
    return [
        _reference("verdicts", "completion_id", "completions"),
        _reference("verdicts", "instruction_id", "instructions"),
        _reference("verdicts", "judge_id", "judges"),
        _reference("verdicts", "output_a_id", "outputs"),
        _reference("verdicts", "output_b_id", "outputs"),
        _reference("verdicts", "run_id", "runs"),
    ]


def _addresses() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("url", "key_env", "template", "price")),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("abilities", sa.Text(), nullable=True),
        _reference("judge_addresses", "judge_id", "judges"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_addresses")),
    ]


def _labels() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("instruction_id", sa.Integer(), nullable=False),
        sa.Column("output_a_id", sa.Integer(), nullable=False),
        sa.Column("output_b_id", sa.Integer(), nullable=False),
        sa.Column("order", sa.String(length=2), nullable=True),
        sa.Column("preference", sa.Float(precision=53), nullable=False),
        sa.Column("both_bad", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False, server_default=""),
        sa.CheckConstraint("output_a_id <> output_b_id", name=op.f("ck_human_labels_sides")),
        sa.CheckConstraint("\"order\" IN ('AB', 'BA')", name=op.f("ck_human_labels_order")),
        sa.CheckConstraint("preference >= 0 AND preference <= 1", name=op.f("ck_human_labels_preference")),
        sa.CheckConstraint("NOT both_bad OR preference = 0.5", name=op.f("ck_human_labels_both_bad")),
        _reference("human_labels", "instruction_id", "instructions"),
        _reference("human_labels", "output_a_id", "outputs"),
        _reference("human_labels", "output_b_id", "outputs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_human_labels")),
    ]


def _create_tables() -> None:
    op.create_table(
        "external_ids",
        sa.Column("id", _ID, nullable=False),
        sa.Column("instruction_id", _ID, nullable=False),
        sa.Column("output_id", _ID, nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=512), nullable=False),
        sa.CheckConstraint("name <> '' AND value <> ''", name=op.f("ck_external_ids_filled")),
        sa.CheckConstraint("length(name) <= 64 AND length(value) <= 512", name=op.f("ck_external_ids_length")),
        _reference("external_ids", "instruction_id", "instructions"),
        _reference("external_ids", "output_id", "outputs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_ids")),
    )
    op.create_index(op.f("ix_external_ids_name_value"), "external_ids", ["name", "value"])
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
        _reference("verdict_criteria", "verdict_id", "verdicts"),
        sa.PrimaryKeyConstraint("verdict_id", "number", name=op.f("pk_verdict_criteria")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdict_spans",
        sa.Column("verdict_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("rating", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("number >= 0", name=op.f("ck_verdict_spans_number")),
        sa.CheckConstraint("start >= 0 AND stop > start", name=op.f("ck_verdict_spans_place")),
        sa.CheckConstraint("rating IN ('good', 'neutral', 'bad')", name=op.f("ck_verdict_spans_rating")),
        sa.CheckConstraint("rating IS NOT NULL OR kind IS NOT NULL", name=op.f("ck_verdict_spans_filled")),
        _reference("verdict_spans", "verdict_id", "verdicts"),
        sa.PrimaryKeyConstraint("verdict_id", "number", name=op.f("pk_verdict_spans")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdict_goals",
        sa.Column("verdict_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("turns", sa.Text(), nullable=False),
        sa.Column("reached", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("failed_at", sa.Integer(), nullable=True),
        sa.Column("declared", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("number >= 0", name=op.f("ck_verdict_goals_number")),
        sa.CheckConstraint("reached IN ('yes', 'no', 'out-of-scope')", name=op.f("ck_verdict_goals_reached")),
        sa.CheckConstraint("(reached = 'no') = (cause IS NOT NULL)", name=op.f("ck_verdict_goals_cause")),
        sa.CheckConstraint("(reached = 'no') = (failed_at IS NOT NULL)", name=op.f("ck_verdict_goals_failure")),
        sa.CheckConstraint("failed_at >= 1", name=op.f("ck_verdict_goals_failed_at")),
        sa.CheckConstraint("declared >= 0", name=op.f("ck_verdict_goals_declared")),
        _reference("verdict_goals", "verdict_id", "verdicts"),
        sa.PrimaryKeyConstraint("verdict_id", "number", name=op.f("pk_verdict_goals")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claims",
        sa.Column("trial_key", sa.String(length=32), nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("holder <> ''", name=op.f("ck_claims_holder")),
        _reference("claims", "run_id", "runs"),
        sa.PrimaryKeyConstraint("trial_key", name=op.f("pk_claims")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "jobs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("specification", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("run_id", _ID, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("kind <> '' AND actor <> ''", name=op.f("ck_jobs_filled")),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.CheckConstraint(
            "(state = 'running') = (holder IS NOT NULL AND expires_at IS NOT NULL)", name=op.f("ck_jobs_lease")
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name=op.f("ck_jobs_finished")
        ),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name=op.f("ck_jobs_error")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_jobs_attempts")),
        _reference("jobs", "run_id", "runs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_state_id"), "jobs", ["state", "id"])
    op.create_table(
        "standing_boards",
        sa.Column("benchmark_id", _ID, autoincrement=False, nullable=False),
        sa.Column("judge_id", _ID, nullable=True),
        sa.Column("baseline_id", _ID, nullable=True),
        sa.Column("profile", sa.String(length=64), nullable=True),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        _reference("standing_boards", "benchmark_id", "benchmarks"),
        _reference("standing_boards", "judge_id", "judges"),
        _reference("standing_boards", "baseline_id", "models"),
        sa.PrimaryKeyConstraint("benchmark_id", name=op.f("pk_standing_boards")),
    )
    op.create_table(
        "standing_models",
        sa.Column("benchmark_id", _ID, autoincrement=False, nullable=False),
        sa.Column("model_id", _ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["benchmark_id"],
            ["standing_boards.benchmark_id"],
            name=op.f("fk_standing_models_benchmark_id_standing_boards"),
        ),
        _reference("standing_models", "model_id", "models"),
        sa.PrimaryKeyConstraint("benchmark_id", "model_id", name=op.f("pk_standing_models")),
        sqlite_with_rowid=False,
    )
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
        sa.CheckConstraint("bytes IS NULL OR length(bytes) = size", name=op.f("ck_blobs_bytes")),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_blobs_pixels")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blobs")),
        sa.UniqueConstraint("digest", name=op.f("uq_blobs_digest")),
    )
    op.create_table(
        "blob_uses",
        sa.Column("id", _ID, nullable=False),
        sa.Column("blob_id", _ID, nullable=False),
        sa.Column("instruction_id", _ID, nullable=False),
        sa.Column("output_id", _ID, nullable=True),
        _reference("blob_uses", "blob_id", "blobs"),
        _reference("blob_uses", "instruction_id", "instructions"),
        _reference("blob_uses", "output_id", "outputs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_uses")),
    )
    op.create_index(op.f("ix_blob_uses_blob_id"), "blob_uses", ["blob_id"])
    for table, columns in (("external_ids", ["name", "value"]), ("blob_uses", ["blob_id"])):
        of_instruction, of_output = "output_id IS NULL", "output_id IS NOT NULL"
        _index_where(f"ix_{table}_instruction", table, ["instruction_id", *columns], of_instruction, unique=True)
        _index_where(f"ix_{table}_output", table, ["output_id", *columns], of_output, unique=True)


def _keep_events() -> None:
    """Have the database itself refuse to change or delete what is written down."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events "
                "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
        # REPLACE deletes without the trigger for it.
        op.execute(
            "CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN NEW.id IN (SELECT id FROM events) "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()"
    )
