"""The tables, as SQLAlchemy Core metadata. ``migrations/`` builds the same schema; a test compares the two.

What must be unique by several columns is an index where it may have to change: SQLite builds a table anew to change a
constraint of it.

Constraints hold the invariants, so that no code path can store a verdict twice, a failure with a preference, or a
preference outside [0, 1]. Verdicts are append-only: a later revision of a trial's verdict (a retry after a failure, a
better parser) is a further row, and the highest revision is in force.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from judgebench.records import Source, Status
from judgebench.store import columns
from judgebench.store.columns import ID as _ID
from judgebench.store.columns import KEY as _KEY
from judgebench.store.columns import TIME as _TIME
from judgebench.store.columns import one_of as _one_of
from judgebench.store.columns import span as _span

# The newest migration that this code knows; the store's tests hold it to migrations/versions.
SCHEMA_REVISION = "0014"
metadata = columns.metadata


benchmarks = Table(
    "benchmarks",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", _TIME, nullable=False),
)


instructions = Table(
    "instructions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("benchmark_id", _ID, ForeignKey("benchmarks.id"), nullable=False),
    Column("key", _KEY, nullable=False),
    Column("turns", Text, nullable=False),  # JSON list of strings
    Column("category", Text),
    Column("reference", Text),
    Column("checklist", Text, nullable=False),  # JSON list of strings
    Column("messages", Text),  # JSON, as conversations.encoded_conversation writes it; null: the turns are all
    Column("goals", Text),  # JSON list of strings: what the user wants, where that was declared; null: it was not
    UniqueConstraint("benchmark_id", "key"),
)


models = Table(
    "models",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("family", Text),
    Column("parent", Text),
    Column("trained_on", Text, nullable=False),  # JSON list of model names
)


outputs = Table(
    "outputs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("instruction_id", _ID, ForeignKey("instructions.id"), nullable=False),
    Column("model_id", _ID, ForeignKey("models.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),  # the reply to the last turn
    Column("length_chars", Integer, nullable=False),
    Column("earlier", Text),  # JSON list: the replies to the turns before; null: none
    Column("sample", Integer, nullable=False, server_default="0"),  # of several outputs to the instruction
    # How often each feature of style occurs in it, as stats.text_features counts; null: not counted yet
    *(Column(feature, Integer) for feature in ("headers", "lists", "bold", "code")),
    Column("messages", Text),  # JSON, as conversations.encoded_trajectory writes it; null: the replies are all
    Column("steps", Text),  # JSON list: where each step ends, in characters of the text; null: its source has none
    Column("afterwards", Text),  # what happened later; null: not known
    Index("uq_outputs_instruction_id_model_id_sample", "instruction_id", "model_id", "sample", unique=True),
    CheckConstraint("sample >= 0", name="sample"),
    CheckConstraint("length_chars >= 0", name="length"),
    CheckConstraint("headers >= 0 AND lists >= 0 AND bold >= 0 AND code >= 0", name="style"),
    CheckConstraint(  # all are counted, or none is
        "(headers IS NULL) = (lists IS NULL) AND (lists IS NULL) = (bold IS NULL) AND (bold IS NULL) = (code IS NULL)",
        name="counted",
    ),
)


Index(  # empty where nobody has samples
    "ix_outputs_sampled",
    outputs.c.instruction_id,
    sqlite_where=outputs.c.sample > 0,
    postgresql_where=outputs.c.sample > 0,
)


generators = Table(  # how a model was asked for its outputs, where we asked it
    "generators",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("models.id"), nullable=False, unique=True),
    Column("served_model", Text, nullable=False),  # the name its server knows it by
    Column("system", Text),  # the system message
    Column("settings", Text, nullable=False),  # JSON object
    Column("created_at", _TIME, nullable=False),
)


generator_addresses = Table(  # where a model was asked; no part of how
    "generator_addresses",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("generator_id", _ID, ForeignKey("generators.id"), nullable=False),
    Column("url", Text, nullable=False),
    Index("uq_generator_addresses_generator_id_url", "generator_id", "url", unique=True),
)


answers = Table(  # what is known about an output that we asked for
    "answers",
    metadata,
    Column("id", _ID, ForeignKey("outputs.id"), primary_key=True, autoincrement=False),  # the id of the output
    Column("generator_id", _ID, ForeignKey("generators.id"), nullable=False),
    Column("status", String(16), nullable=False),  # "ok", "truncated" or "refused"
    Column("finish_reason", Text),
    Column("model", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cost_usd", Float(53)),
    Column("latency_s", Float(53)),
    Column("created_at", _TIME, nullable=False),
)


judges = Table(
    "judges",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("digest", _KEY, nullable=False, unique=True),
    Column("model", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("template_digest", Text, nullable=False),
    Column("settings", Text, nullable=False),  # JSON object
    # JSON list: what of an instruction beside its conversation is in the keys of its trials, as its template shows it.
    Column("shows", Text),  # null: its trials are from before keys held it
)


judge_addresses = Table(  # where a judge is reached; no part of what it is, so this alone may change
    "judge_addresses",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("judge_id", _ID, ForeignKey("judges.id"), nullable=False),
    Column("url", Text),  # null: it runs in this process
    Column("key_env", Text),  # the name of an environment variable, never a key
    Column("template", Text),  # as it was named, a file's path where it is a user's own; null: the default one
    Column("price", Text),  # "PROMPT,COMPLETION" in USD per million tokens
    Column("settings", Text),  # JSON object: headers, query, proxy ... as its server wants them, secrets by name alone
    Column("abilities", Text),  # JSON object: what its server was found to take, as images; null: not tried
    Index("uq_judge_addresses_judge_id_url", "judge_id", "url", unique=True),
)
# Two nulls differ to the index above: one judge runs in this process at most once.
Index(
    "ix_judge_addresses_in_process",
    judge_addresses.c.judge_id,
    unique=True,
    sqlite_where=judge_addresses.c.url.is_(None),
    postgresql_where=judge_addresses.c.url.is_(None),
)


runs = Table(
    "runs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("benchmark_id", _ID, ForeignKey("benchmarks.id"), nullable=False),
    Column("judge_id", _ID, ForeignKey("judges.id"), nullable=False),
    Column("kind", String(16), nullable=False),  # "run", "batch", "import", or "merged": a run of another database
    Column("specification", Text, nullable=False),  # JSON object: the study as it was asked for
    Column("version", Text, nullable=False),  # of judgebench
    Column("started_at", _TIME, nullable=False),
    Column("finished_at", _TIME),  # null while it runs, or when it was stopped
    Column("shard", SmallInteger),  # from 1: which part of the study it asks; null: all of it
    Column("shards", SmallInteger),  # in how many parts
    Column("job_id", BigInteger),  # whose process began it; null: no job's
    CheckConstraint("shard BETWEEN 1 AND shards", name="shard"),
    CheckConstraint("(shard IS NULL) = (shards IS NULL)", name="shards"),
)


completions = Table(
    "completions",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),  # the id of the verdict that came with it
    Column("text", Text, nullable=False),
    Column("reasoning", Text),
    Column("finish_reason", Text),
    Column("logprobs", Text),  # JSON: [[token, logprob, [[token, logprob], ...]], ...]
    Column("model", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cost_usd", Float(53)),
    Column("latency_s", Float(53)),
    Column("constrained", String(16)),  # how a second question forced the form of this reply; null: it did not
    CheckConstraint("cost_usd >= 0", name="cost"),
    CheckConstraint("latency_s >= 0", name="latency"),
)


verdicts = Table(
    "verdicts",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),  # counted up by the writer, gapless
    Column("trial_key", _KEY, nullable=False),
    Column("revision", SmallInteger, nullable=False),
    Column("run_id", _ID, ForeignKey("runs.id"), nullable=False),
    Column("judge_id", _ID, ForeignKey("judges.id"), nullable=False),
    Column("instruction_id", _ID, ForeignKey("instructions.id"), nullable=False),
    Column("output_a_id", _ID, ForeignKey("outputs.id"), nullable=False),
    Column("output_b_id", _ID, ForeignKey("outputs.id")),  # null: pointwise
    Column("order", String(2)),  # null: pointwise, or imported without it
    Column("repeat", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("preference", Float(53)),
    Column("score", Float(53)),
    Column("label", Text),
    Column("mass", Float(53)),
    Column("detail", Text),
    Column("parser", Text, nullable=False),
    Column("completion_id", _ID, ForeignKey("completions.id")),  # null: no reply was ever had, or none was needed
    Column("created_at", _TIME, nullable=False),
    # One trial may be stored for an instruction of several benchmarks, each with rows of its own.
    # In this order its entries are smallest, to PostgreSQL, which pads them; a key alone finds hardly more than one.
    Index("uq_verdicts_trial_key_revision_instruction_id", "trial_key", "revision", "instruction_id", unique=True),
    # Holds all that a list of battles is grouped and filtered by, so that it never reads the rows themselves.
    Index("ix_verdicts_battle", "instruction_id", "output_a_id", "output_b_id", "judge_id", "preference"),
    CheckConstraint("revision >= 0", name="revision"),
    CheckConstraint("repeat >= 0", name="repeat"),
    CheckConstraint("output_a_id <> output_b_id", name="sides"),
    CheckConstraint("\"order\" IN ('AB', 'BA')", name="order"),
    CheckConstraint(_one_of("status", Status), name="status"),
    CheckConstraint(_one_of("source", Source), name="source"),
    CheckConstraint("preference >= 0 AND preference <= 1", name="preference"),
    CheckConstraint("mass >= 0 AND mass <= 1.000001", name="mass"),
    CheckConstraint(
        "(status IN ('ok', 'tie')) = (preference IS NOT NULL OR score IS NOT NULL)", name="verdict_or_failure"
    ),
    CheckConstraint("(status = 'tie') = (preference IS NOT NULL AND preference = 0.5)", name="tie"),
)


Index(
    "ix_verdicts_revised",
    verdicts.c.trial_key,
    sqlite_where=verdicts.c.revision > 0,
    postgresql_where=verdicts.c.revision > 0,
)


batches = Table(  # questions written into a batch file, whose replies come later and from elsewhere
    "batches",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(32), nullable=False, unique=True),  # stands in each question's id and the server's metadata
    Column("run_id", _ID, ForeignKey("runs.id"), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the file
    Column("server_id", Text),  # its name at the server; null: not submitted, as far as is known
    Column("created_at", _TIME, nullable=False),
    Column("submitted_at", _TIME),
    Column("closed_at", _TIME),  # nothing further is expected from it
)


batch_trials = Table(
    "batch_trials",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("batch_id", _ID, ForeignKey("batches.id"), nullable=False),
    Column("trial_key", _KEY, nullable=False, index=True),
    Column("instruction_id", _ID, ForeignKey("instructions.id"), nullable=False),
    Column("output_a_id", _ID, ForeignKey("outputs.id"), nullable=False),
    Column("output_b_id", _ID, ForeignKey("outputs.id")),  # null: pointwise
    Column("order", String(2)),  # null: pointwise
    Column("repeat", Integer, nullable=False),
    Column("sent_key", _KEY),  # by which the file calls it; null: the trial's key
    UniqueConstraint("batch_id", "trial_key"),
)


verdict_blocks = Table(  # derived from the verdicts, see store.blocks; may be dropped and built again
    "verdict_blocks",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),  # the block's number, from 0
    Column("format", Integer, nullable=False),
    Column("columns", LargeBinary, nullable=False),
)


human_labels = Table(  # what people say about battles: one label a person, pair and question, never replaced
    "human_labels",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("annotator", Text, nullable=False),
    Column("instruction_id", _ID, ForeignKey("instructions.id"), nullable=False, index=True),
    Column("output_a_id", _ID, ForeignKey("outputs.id"), nullable=False),
    Column("output_b_id", _ID, ForeignKey("outputs.id"), nullable=False),
    Column("order", String(2)),  # null: not known
    Column("preference", Float(53), nullable=False),
    Column("both_bad", Boolean, nullable=False),
    Column("source", Text, nullable=False),  # "app", or a file's name
    Column("created_at", _TIME, nullable=False),
    Column("question", String(64), nullable=False, server_default=""),  # what was asked; "": which is better
    Index(
        *("uq_human_labels_annotator_output_a_id_output_b_id_question", "annotator", "output_a_id", "output_b_id"),
        "question",
        unique=True,
    ),
    CheckConstraint("output_a_id <> output_b_id", name="sides"),
    CheckConstraint("\"order\" IN ('AB', 'BA')", name="order"),
    CheckConstraint("preference >= 0 AND preference <= 1", name="preference"),
    CheckConstraint("NOT both_bad OR preference = 0.5", name="both_bad"),
)


marks = Table(  # what people and sources say of an output's steps, and of places in it; never replaced
    "marks",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("output_id", _ID, ForeignKey("outputs.id"), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("number", Integer, nullable=False),  # from 0, as they stand in the output
    *_span(),
    Column("source", Text, nullable=False),  # the name of the file it came from
    Column("created_at", _TIME, nullable=False),
    Index("uq_marks_output_id_annotator_number", "output_id", "annotator", "number", unique=True),
    CheckConstraint("number >= 0", name="number"),
)


audits = Table(  # what audits found, append-only; of several on the same thing the newest counts
    "audits",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", String(32), nullable=False),  # "submissions", "null-models", "robustness", "integrity" ...
    Column("benchmark_id", _ID, ForeignKey("benchmarks.id"), nullable=False),
    Column("judge_digest", _KEY),  # of the judge it is about; null: about a model, or about the verdicts
    Column("model_id", _ID, ForeignKey("models.id")),  # whose submission it is about
    Column("extent", Integer, nullable=False),  # the model's outputs, or else the benchmark's instructions, at the time
    Column("passed", Boolean, nullable=False),
    Column("high", Integer, nullable=False),  # findings of that severity
    Column("document", Text, nullable=False),  # JSON object, as ``--format json`` prints it
    Column("version", Text, nullable=False),  # of judgebench
    Column("created_at", _TIME, nullable=False),
    CheckConstraint("extent >= 0", name="extent"),
    CheckConstraint("high >= 0", name="high"),
    Index(None, "benchmark_id", "kind"),
)


external_ids = Table(  # what others call an instruction, or an output: question_id, uid, session_id, sample_id ...
    "external_ids",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("instruction_id", _ID, ForeignKey("instructions.id"), nullable=False),
    Column("output_id", _ID, ForeignKey("outputs.id")),  # null: it is about the instruction
    Column("name", String(64), nullable=False),  # of the id
    Column("value", String(512), nullable=False),
    CheckConstraint("name <> '' AND value <> ''", name="filled"),
    CheckConstraint("length(name) <= 64 AND length(value) <= 512", name="length"),  # an index holds both
    Index(None, "name", "value"),
)
Index(
    "ix_external_ids_instruction",
    external_ids.c.instruction_id,
    external_ids.c.name,
    external_ids.c.value,
    unique=True,
    sqlite_where=external_ids.c.output_id.is_(None),
    postgresql_where=external_ids.c.output_id.is_(None),
)
Index(
    "ix_external_ids_output",
    external_ids.c.output_id,
    external_ids.c.name,
    external_ids.c.value,
    unique=True,
    sqlite_where=external_ids.c.output_id.is_not(None),
    postgresql_where=external_ids.c.output_id.is_not(None),
)


Table(  # of a pointwise verdict: what its score is made of
    "verdict_criteria",
    metadata,
    Column("verdict_id", _ID, ForeignKey("verdicts.id"), primary_key=True, autoincrement=False),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),  # from 0, in the template's order
    Column("name", Text, nullable=False),
    Column("score", Float(53)),  # null: the judge holds that it does not apply
    Column("weight", Float(53), nullable=False),
    Column("reason", Text),
    CheckConstraint("number >= 0", name="number"),
    CheckConstraint("weight >= 0", name="weight"),
    sqlite_with_rowid=False,
)


verdict_spans = Table(  # of a pointwise verdict: what it says of each step, or of single places, of the output
    "verdict_spans",
    metadata,
    Column("verdict_id", _ID, ForeignKey("verdicts.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0, as they stand in the output
    *_span(),
    CheckConstraint("number >= 0", name="number"),
    sqlite_with_rowid=False,
)


verdict_goals = Table(  # of a verdict on a dialogue: what the user wanted, and whether it was reached
    "verdict_goals",
    metadata,
    Column("verdict_id", _ID, ForeignKey("verdicts.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0
    Column("goal", Text, nullable=False),
    Column("turns", Text, nullable=False),  # JSON list: the user's turns that belong to it, from 1
    Column("reached", String(16), nullable=False),
    Column("cause", Text),  # of a failure, as the taxonomy names it
    Column("failed_at", Integer),  # the user's turn whose reply failed
    Column("declared", Integer),  # which of the instruction's own goals it is; null: the judge found it
    Column("reason", Text),
    CheckConstraint("number >= 0", name="number"),
    CheckConstraint("reached IN ('yes', 'no', 'out-of-scope')", name="reached"),
    CheckConstraint("(reached = 'no') = (cause IS NOT NULL)", name="cause"),
    CheckConstraint("(reached = 'no') = (failed_at IS NOT NULL)", name="failure"),
    CheckConstraint("failed_at >= 1", name="failed_at"),
    CheckConstraint("declared >= 0", name="declared"),
    sqlite_with_rowid=False,
)


Table(  # trials, or outputs, that somebody is asking for, so that another does not
    "claims",
    metadata,
    Column("trial_key", _KEY, primary_key=True),
    Column("run_id", _ID, ForeignKey("runs.id")),  # null: outputs are collected, which is no run
    Column("holder", Text, nullable=False),  # the process, as others can recognise it
    Column("expires_at", _TIME, nullable=False),  # after it, whoever comes may claim the trial
    CheckConstraint("holder <> ''", name="holder"),
    sqlite_with_rowid=False,
)


jobs = Table(  # work that is handed to worker processes, of which one at a time holds it under a lease
    "jobs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", String(16), nullable=False),  # "run", "audit" or "answer"
    Column("benchmark_id", _ID, ForeignKey("benchmarks.id"), nullable=False, index=True),
    Column("subject", Text, nullable=False),  # the judge, or the model, that is asked; "": nobody is
    Column("specification", Text, nullable=False),  # JSON object: what was asked for
    Column("variables", Text, nullable=False),  # JSON list: the environment variables that it needs
    Column("work_key", _KEY, nullable=False),  # what it does: of equal ones one at a time is open
    Column("actor", Text, nullable=False),  # who asked for it
    # Trials, outputs, or calls at most; of these before; how often a worker began it and did not hand it back.
    *(Column(number, Integer, nullable=False) for number in ("planned", "answered", "attempts")),
    Column("cost_usd", Float(53)),  # as was estimated; null: not known
    Column("after_run", BigInteger, nullable=False),  # the newest run at that time: its own came later
    Column("state", String(16), nullable=False),
    Column("is_stopping", Boolean, nullable=False),  # somebody wants it to end, and it has not yet
    Column("holder", Text),  # the worker that has it, as others can recognise it
    Column("expires_at", _TIME),  # after it, whoever comes may take it
    Column("report", Text),  # JSON object: what its process reported at its end
    Column("message", Text, nullable=False),  # what it says, or why it ended
    # By the database's clock; when it was begun the last time.
    *(Column(moment, _TIME, nullable=moment != "created_at") for moment in ("created_at", "started_at", "finished_at")),
    Column("losses", Integer, nullable=False, server_default="0"),  # how often its worker ended while it had it
    CheckConstraint("kind IN ('run', 'audit', 'answer') AND actor <> ''", name="filled"),
    CheckConstraint("planned >= 0 AND answered >= 0 AND attempts >= 0 AND cost_usd >= 0", name="numbers"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'stopped')", name="state"),
    CheckConstraint("(state = 'running') = (holder IS NOT NULL AND expires_at IS NOT NULL)", name="lease"),
    CheckConstraint("(state IN ('done', 'failed', 'stopped')) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("(state <> 'failed' OR message <> '') AND (state = 'running' OR NOT is_stopping)", name="told"),
    Index(None, "state", "id"),
)
_OPEN = jobs.c.state.in_(("queued", "running"))
Index("ix_jobs_open", jobs.c.work_key, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)


standing_boards = Table(  # what new models are ranked by on a benchmark; what is null is asked for each time
    "standing_boards",
    metadata,
    Column("benchmark_id", _ID, ForeignKey("benchmarks.id"), primary_key=True, autoincrement=False),
    Column("judge_id", _ID, ForeignKey("judges.id")),
    Column("baseline_id", _ID, ForeignKey("models.id")),
    Column("profile", String(64)),
    Column("changed_at", _TIME, nullable=False),
)


standing_models = Table(  # the pool that new models are ranked against
    "standing_models",
    metadata,
    Column("benchmark_id", _ID, ForeignKey("standing_boards.benchmark_id"), primary_key=True, autoincrement=False),
    Column("model_id", _ID, ForeignKey("models.id"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)


events = Table(  # who did what, append-only: triggers refuse to change or delete a row
    "events",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("actor", Text, nullable=False),  # a person's name, a token's, or "local"
    Column("action", String(32), nullable=False),  # "imported", "renamed", "deleted", "started", "voted" ...
    Column("kind", String(32), nullable=False),  # what it was done to: "benchmark", "model", "judge", "run" ...
    Column("name", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON object
    CheckConstraint("actor <> '' AND action <> ''", name="filled"),
    Index(None, "kind", "name"),
)


Table(
    "api_tokens",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # whose, or what for
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the token, which is stored nowhere
    Column("role", String(16), nullable=False),
    Column("scopes", Text, nullable=False),  # JSON list
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),  # null: never
    Column("used_at", _TIME),  # last; null: never
    Column("revoked_at", _TIME),
    CheckConstraint("length(digest) = 64", name="digest"),
    CheckConstraint("role IN ('viewer', 'voter', 'submitter', 'admin')", name="role"),
)


blobs = Table(  # files that messages hold by their digest, each once
    "blobs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the bytes
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("width", Integer),  # pixels; null: not an image, or not known
    Column("height", Integer),
    Column("created_at", _TIME, nullable=False),
    Column("bytes", LargeBinary),  # last, so that the others are read without; null: in a folder beside the database
    CheckConstraint("length(digest) = 64", name="digest"),
    CheckConstraint("size >= 0", name="size"),
    CheckConstraint("bytes IS NULL OR length(bytes) = size", name="bytes"),
    CheckConstraint("width > 0 AND height > 0", name="pixels"),
)


blob_uses = Table(  # which messages hold a file: one that nothing holds may be deleted
    "blob_uses",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("blob_id", _ID, ForeignKey("blobs.id"), nullable=False, index=True),
    Column("instruction_id", _ID, ForeignKey("instructions.id"), nullable=False),
    Column("output_id", _ID, ForeignKey("outputs.id")),  # null: the instruction holds it
)
Index(
    "ix_blob_uses_instruction",
    *(blob_uses.c.instruction_id, blob_uses.c.blob_id),
    unique=True,
    sqlite_where=blob_uses.c.output_id.is_(None),
    postgresql_where=blob_uses.c.output_id.is_(None),
)
Index(
    "ix_blob_uses_output",
    *(blob_uses.c.output_id, blob_uses.c.blob_id),
    unique=True,
    sqlite_where=blob_uses.c.output_id.is_not(None),
    postgresql_where=blob_uses.c.output_id.is_not(None),
)
