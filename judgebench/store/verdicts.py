"""Verdicts with the raw completions that they were read from: appended, never changed, and read where in force.

Of several revisions of a trial's verdict (asked again after a failure, or read again by a better parser) the highest is
in force. Every reader starts from ``in_force``, here and in the other modules of the store, and the few that ask what
was ever stored from ``every_revision``: none names the table itself.

Trials of equal questions have equal keys, in whichever benchmark. Each benchmark has verdicts of its own all the same,
with revisions of their own: one that another has an answer to is taken over, with the reply that was paid for there.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from judgebench.conversations import decoded_conversation
from judgebench.errors import Conflict
from judgebench.judging import showing
from judgebench.records import Completion, Goal, Span, Status, TrialResult, Verdict
from judgebench.store import blocks, events, particulars
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import StoredOutputs, stored_outputs, within
from judgebench.store.columns import shared
from judgebench.store.database import Stored, bulk_insert, now
from judgebench.store.models import MODEL_A, MODEL_B, OUTPUT_A, OUTPUT_B, join_sides

_OUTCOME_COLUMNS = ("preference", "score", "label", "mass", "detail", "parser")  # beside status and source
_OUTCOME = attrgetter(*_OUTCOME_COLUMNS)
_REMEMBERED = 1000  # instructions whose outputs are known without a look-up
_FAILURES = (Status.UNPARSED, Status.REFUSED, Status.TRUNCATED, Status.FAILED)
_v = t.verdicts.c
_newer = shared(t.verdicts.alias("newer"))
# Hardly any trial is revised: the first test, a look-up in a small index, spares all others the second. The index holds
# revisions above 0, which the engines only see where the 0 is written out.
_is_revision = _newer.c.revision > sa.literal_column("0")
_IN_FORCE = shared(
    sa.select(t.verdicts)
    .where(
        # The run, of which more is asked than any large index holds, makes SQLite read the small one.
        _v.trial_key.not_in(sa.select(_newer.c.trial_key).where(_is_revision, _newer.c.run_id > 0))
        | ~sa.exists().where(
            *(_is_revision, _newer.c.trial_key == _v.trial_key, _newer.c.instruction_id == _v.instruction_id),
            _newer.c.revision > _v.revision,
        )
    )
    .subquery("verdict")
)
_STATUSES = {str(status): status for status in Status}  # a look-up is faster than making one
_NEWEST = sa.select(sa.func.max(_v.id))
_BY_OTHERS = sa.select(_v.id).where(_v.id > sa.bindparam("after"), _v.run_id != sa.bindparam("run")).limit(1)
_REVISIONS = (
    sa.select(_v.trial_key, _v.revision, _v.status, t.instructions.c.benchmark_id, _v.instruction_id, _v.id)
    .add_columns(_v.preference, _v.score)
    .join(t.instructions, t.instructions.c.id == _v.instruction_id)
    .where(among(_v.trial_key))
    .order_by(_v.revision)
)


def in_force(connection: sa.Connection) -> sa.FromClause:
    """The verdicts in force, with the columns of their table.

    They are the table itself where nothing was revised: then indexes alone answer what asks for no more.
    """
    return _IN_FORCE if any_revised(connection) else t.verdicts


def every_revision(name: str | None = None) -> sa.FromClause:
    """All verdicts, those included that a later revision took the place of; ``name`` tells two of them apart."""
    return t.verdicts if name is None else t.verdicts.alias(name)


def any_revised(connection: sa.Connection) -> bool:
    # The run is in no index. For the id alone SQLite would scan a large index that holds it, not seek in the small one.
    return connection.scalar(sa.select(_newer.c.run_id).where(_is_revision).limit(1)) is not None


def newest_id(connection: sa.Connection) -> int:
    """The id of the verdict stored last, of whichever revision; 0 without any."""
    return connection.scalar(_NEWEST) or 0


def stored_by_others(connection: sa.Connection, run_id: int, after: int) -> bool:
    """Whether a verdict with a higher id than ``after`` is another run's."""
    return connection.scalar(_BY_OTHERS, {"run": run_id, "after": after}) is not None


def revisions(connection: sa.Connection, benchmark: int, trial_keys: Sequence[str]) -> dict[str, tuple[int, Status]]:
    """The highest revision of each trial that has one on the benchmark, with its status."""
    rows = rows_among(connection, _REVISIONS, trial_keys)
    return {key: (revision, Status(status)) for key, revision, status, of, *_ in rows if of == benchmark}


class StoredOutcome(NamedTuple):
    """What a revision of a trial says."""

    status: Status
    preference: float | None
    score: float | None
    goals: tuple[Goal, ...] = ()
    spans: tuple[Span, ...] = ()


def outcomes(connection: sa.Connection, benchmark: int, trial_keys: Sequence[str]) -> dict[str, list[StoredOutcome]]:
    """What the revisions of each trial that has one on the benchmark say, the one in force last."""
    rows = [row for row in rows_among(connection, _REVISIONS, trial_keys) if row.benchmark_id == benchmark]
    places = [row.id for row in rows]
    goals, spans = particulars.goals(connection, places), particulars.spans(connection, places)
    outcomes: dict[str, list[StoredOutcome]] = {}
    for row in rows:
        listed = (goals.get(row.id, ()), spans.get(row.id, ()))
        outcome = StoredOutcome(Status(row.status), row.preference, row.score, *listed)
        outcomes.setdefault(row.trial_key, []).append(outcome)
    return outcomes


@dataclass(frozen=True, slots=True)
class KnownTrials:
    """How trials ended, those that failed included."""

    ended: Mapping[str, Status]  # on the benchmark, by key
    elsewhere: Mapping[str, Status]  # beside these, or where these failed: on another benchmark, without failing
    ids: Mapping[str, int]  # of the verdicts that say so on the benchmark, by key


def known_trials(connection: sa.Connection, benchmark: int, trial_keys: Sequence[str]) -> KnownTrials:
    """What is stored of trials of the benchmark, there and under the same keys elsewhere, of instructions that read the
    same: white space, which is in no key, included."""
    ended: dict[str, Status] = {}
    ids: dict[str, int] = {}
    others: dict[tuple[str, int], Status] = {}
    for key, _, status, of, instruction, verdict, *_ in rows_among(connection, _REVISIONS, trial_keys):
        if of == benchmark:
            ended[key], ids[key] = _STATUSES[status], verdict
        else:
            others[key, instruction] = _STATUSES[status]
    others = {
        (key, instruction): status
        for (key, instruction), status in others.items()
        if status is not Status.FAILED and ended.get(key, Status.FAILED) is Status.FAILED
    }
    same = _reading_alike(connection, benchmark, {instruction for _, instruction in others})
    elsewhere = {key: status for (key, instruction), status in others.items() if instruction in same}
    return KnownTrials(ended, elsewhere, ids)


def _reading_alike(connection: sa.Connection, benchmark: int, instructions: set[int]) -> set[int]:
    """Of other benchmarks' instructions, by id, those that a judge reads as the benchmark's of the same key."""
    theirs, ours = t.instructions.alias("theirs"), t.instructions.alias("ours")
    query = (
        sa.select(theirs.c.id, theirs.c.turns, theirs.c.messages, ours.c.turns, ours.c.messages)
        .join(ours, (ours.c.benchmark_id == benchmark) & (ours.c.key == theirs.c.key))
        .where(among(theirs.c.id))
    )
    rows = rows_among(connection, query, sorted(instructions)) if instructions else ()
    return {id for id, *own, turns, full in rows if own == [turns, full] or _read(*own) == _read(turns, full)}


def _read(turns: str, full: str | None) -> Sequence[str]:
    """What a judge reads of an instruction in these columns."""
    conversation = None if full is None else decoded_conversation(full)
    if conversation is None or conversation.plain:
        return tuple(json.loads(turns))
    blocks = (block for stretch in showing.asked(conversation) for block in stretch.blocks)
    return [showing.written(blocks, "\0")]  # a mark that no stored text holds


def answered_by(
    connection: sa.Connection, trial_keys: Sequence[str], moment: str
) -> dict[str, list[tuple[str | None, tuple[str, ...]]]]:
    """Those of the trials that a benchmark, whichever, had an answer to at that moment: for each the references and
    checklists of the instructions that it was about, which keys from before they held these do not tell apart."""
    i = t.instructions.c
    query = (
        sa.select(_v.trial_key, i.reference, i.checklist)
        .join(t.instructions, i.id == _v.instruction_id)
        .where(_v.status != str(Status.FAILED), _v.created_at <= moment, among(_v.trial_key))
    )
    answered: dict[str, list[tuple[str | None, tuple[str, ...]]]] = {}
    for key, reference, checklist in rows_among(connection, query, trial_keys):
        answered.setdefault(key, []).append((reference, tuple(json.loads(checklist))))
    return answered


def newest_output(connection: sa.Connection, moment: str) -> int:
    """The highest id of an output that any judge had given a verdict on at that moment: outputs with lower ones, which
    are given as they come, were there by then. 0 without any."""
    v = every_revision().c
    query = sa.select(sa.func.max(v.output_a_id), sa.func.max(v.output_b_id)).where(v.created_at <= moment)
    return max(newest or 0 for newest in connection.execute(query).one())


def outputs_until(
    connection: sa.Connection, benchmark: int, instruction_keys: Sequence[str], newest: int
) -> set[tuple[str, str, int]]:
    """Of the benchmark's instructions with these keys the outputs, by instruction, model and sample, whose ids are
    ``newest`` at most."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(i.key, t.models.c.name, o.sample)
        .select_from(t.outputs)
        .join(t.instructions, i.id == o.instruction_id)
        .join(t.models, t.models.c.id == o.model_id)
        .where(i.benchmark_id == benchmark, among(i.key), o.id <= newest)
    )
    return {(key, model, sample) for key, model, sample in rows_among(connection, query, instruction_keys)}


def preferences(connection: sa.Connection, benchmark: int, trial_keys: Sequence[str]) -> dict[str, float | None]:
    """The preference in force on the benchmark of each trial that has a verdict; None where that is a failure."""
    v, i = in_force(connection).c, t.instructions.c
    query = sa.select(v.trial_key, v.preference).join(t.instructions, i.id == v.instruction_id)
    rows = rows_among(connection, query.where(i.benchmark_id == benchmark, among(v.trial_key)), trial_keys)
    return {row.trial_key: row.preference for row in rows}


def past_replies(connection: sa.Connection, judge_digest: str, *, most: int = 500) -> tuple[float | None, float | None]:
    """Mean tokens and mean seconds of the judge's last replies; None where none tells."""
    verdicts, c = every_revision(), t.completions.c
    last = (
        sa.select(c.completion_tokens, c.latency_s)
        .join(verdicts, verdicts.c.id == c.id)  # the one that came with the reply
        .join(t.judges, t.judges.c.id == verdicts.c.judge_id)
        .where(t.judges.c.digest == judge_digest)
        .order_by(c.id.desc())
        .limit(most)
        .subquery()
    )
    row = connection.execute(sa.select(sa.func.avg(last.c.completion_tokens), sa.func.avg(last.c.latency_s))).one()
    tokens, seconds = (None if value is None else float(value) for value in row)
    return tokens, seconds


def count(connection: sa.Connection, benchmark: int) -> int:
    """How many verdicts are in force on the benchmark, failures included."""
    v, instructions = every_revision().c, sa.select(t.instructions.c.id).where(within(benchmark, None))
    number = sa.select(sa.func.count())
    stored = number.where(v.instruction_id.in_(instructions))
    # Each revision takes the place of one verdict. No index is of sums or holds the run: the small one of revisions is
    # read instead.
    later = number.where((v.instruction_id + 0).in_(instructions), v.revision > sa.literal_column("0"), v.run_id > 0)
    return (connection.scalar(stored) or 0) - (connection.scalar(later) or 0)


def judge_names(connection: sa.Connection, benchmark: int) -> list[str]:
    """The judges with a verdict on the benchmark, failures included, by name."""
    v, instructions = every_revision().c, sa.select(t.instructions.c.id).where(within(benchmark, None))
    ran = sa.select(t.runs.c.judge_id).where(t.runs.c.benchmark_id == benchmark)  # as whoever has a verdict did
    answered = sa.exists().where(v.judge_id == t.judges.c.id, v.instruction_id.in_(instructions))
    query = sa.select(t.judges.c.name).where(t.judges.c.id.in_(ran), answered)
    return list(connection.scalars(query.order_by(t.judges.c.name)))


def plain_rows(
    connection: sa.Connection, benchmark: int, *, judge: str | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The verdicts in force, of one judge or all, in the order they came, as names of columns and rows of plain values.

    They are those of a frame of verdicts: what was compared, by whom, the verdict with its goals and spans, and its
    reply, but no output.
    """
    verdicts, i, c = in_force(connection), t.instructions.c, t.completions.c
    v = verdicts.c
    query = (
        sa.select(
            v.id,
            *(i.key.label("instruction"), i.category, MODEL_A.c.name.label("model_a"), MODEL_B.c.name.label("model_b")),
            *(OUTPUT_A.c.sample.label("sample_a"), OUTPUT_B.c.sample.label("sample_b")),
            *(t.judges.c.name.label("judge"), v.order, v.repeat, v.status, v.source, v.preference, v.score, v.label),
            *(v.mass, v.detail, v.parser, c.text.label("reply"), c.prompt_tokens, c.completion_tokens, c.cost_usd),
            *(c.latency_s, c.constrained),
        )
        .join(t.instructions, i.id == v.instruction_id)
        .join(t.judges, t.judges.c.id == v.judge_id)
        .outerjoin(t.completions, c.id == v.completion_id)
        .where(within(benchmark, None), *([] if judge is None else [t.judges.c.name == judge]))
        .order_by(v.id)
    )
    result = connection.execute(join_sides(query, verdicts, pointwise=True))
    rows = [tuple(row) for row in result]
    places = [row[0] for row in rows]
    goals, spans = particulars.goals(connection, places), particulars.spans(connection, places)
    whole = [(*row[1:], goals.get(row[0], ()), spans.get(row[0], ())) for row in rows]
    return [*list(result.keys())[1:], "goals", "spans"], whole


def benchmarks_of(connection: sa.Connection, judge: str) -> dict[str, int]:
    """On which benchmarks the judge has verdicts, failures included, and how many."""
    v, i, b, j = in_force(connection).c, t.instructions.c, t.benchmarks.c, t.judges.c
    given = (
        sa.select(v.instruction_id, sa.func.count().label("verdicts"))
        .where(v.judge_id.in_(sa.select(j.id).where(j.name == judge)))
        .group_by(v.instruction_id)
        .subquery()
        .c
    )
    query = (
        sa.select(b.name, sa.func.sum(given.verdicts))
        .join(t.instructions, i.benchmark_id == b.id)
        .join(given.instruction_id.table, given.instruction_id == i.id)
        .group_by(b.name)
    )
    return dict(sorted((row[0], int(row[1])) for row in connection.execute(query)))


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that ended without a verdict."""

    judge: str
    instruction: str  # key
    models: tuple[str, ...]  # two, or one where it is pointwise
    status: Status


def failures(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> list[Failure]:
    """The trials of ``judges`` (all where empty) on the benchmark that ended without a verdict."""
    verdicts, i = in_force(connection), t.instructions.c
    v = verdicts.c
    query = (
        sa.select(t.judges.c.name, i.key, MODEL_A.c.name, MODEL_B.c.name, v.status)
        .select_from(verdicts)
        .join(t.instructions, i.id == v.instruction_id)
        .join(t.judges, t.judges.c.id == v.judge_id)
        .where(v.status.in_(_FAILURES), *_chosen(v.judge_id, benchmark, judges, category))
        .where(v.preference.is_(None))  # an index tells, so that hardly any row is read
    )
    rows = connection.execute(join_sides(query, verdicts, pointwise=True))
    return [
        Failure(judge, key, (model,) if other is None else (model, other), Status(status))
        for judge, key, model, other, status in rows
    ]


def _chosen(
    judge_id: sa.ColumnElement[int], benchmark: int, judges: Sequence[str], category: str | None
) -> list[sa.ColumnElement[bool]]:
    by = sa.select(t.judges.c.id).where(t.judges.c.name.in_(judges))
    return [within(benchmark, category), *([judge_id.in_(by)] if judges else [])]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a judge's trials on a benchmark took; None where no reply tells."""

    trials: int
    tokens: float | None  # a trial, prompt and reply
    cost_usd: float | None  # of all
    latency_s: float | None  # a trial


def spent(connection: sa.Connection, benchmark: int, judge: str) -> Spent:
    verdicts, c = in_force(connection), t.completions.c
    v = verdicts.c
    query = (
        sa.select(
            sa.func.count(),
            sa.func.avg(c.prompt_tokens + c.completion_tokens),
            sa.func.sum(c.cost_usd),
            sa.func.avg(c.latency_s),
        )
        .select_from(verdicts)
        .join(t.instructions, t.instructions.c.id == v.instruction_id)
        .join(t.judges, t.judges.c.id == v.judge_id)
        .outerjoin(t.completions, c.id == v.completion_id)
        .where(within(benchmark, None), t.judges.c.name == judge)
    )
    trials, tokens, cost, latency = connection.execute(query).one()
    return Spent(trials, None if tokens is None else float(tokens), cost, None if latency is None else float(latency))


class VerdictWriter:
    """Appends the verdicts of one run. Remembers the last instructions' outputs, since trials of one come together.

    Raises Conflict once what the run is about was deleted or renamed meanwhile.
    """

    def __init__(self, connection: sa.Connection, run_id: int) -> None:
        run = connection.execute(sa.select(t.runs).where(t.runs.c.id == run_id)).one()
        self._run_id = run_id
        self._judge_id: int = run.judge_id
        self._benchmark_id: int = run.benchmark_id
        self._started_at: str = run.started_at  # its number may be another run's, once it is deleted
        self._known: dict[str, StoredOutputs] = {}  # by the instruction's key
        self._seen = events.newest(connection)

    def check(self, connection: sa.Connection) -> None:
        """Look up anew what is remembered, where rows were deleted or renamed. Raises Conflict where the run was."""
        last = events.changed(connection, self._seen)
        if last is None:
            return
        self._known, self._seen = {}, last
        mine = sa.select(t.runs.c.id).where(t.runs.c.id == self._run_id, t.runs.c.started_at == self._started_at)
        about = (t.runs.c.judge_id == self._judge_id, t.runs.c.benchmark_id == self._benchmark_id)
        if connection.scalar(mine.where(*about)) is None:
            raise Conflict("the run was deleted while it went on, or its benchmark or judge: nothing more was stored")

    def add(
        self, connection: sa.Connection, results: Sequence[TrialResult], again: Collection[Status] = (Status.FAILED,)
    ) -> Stored:
        """Store the results in the connection's write transaction.

        A trial that has an answer already keeps it; one that only failed so far, or ended as ``again`` says, gets a
        further revision.
        """
        self.check(connection)
        inforce = revisions(connection, self._benchmark_id, [result.trial_key for result in results])
        verdict_id = newest_id(connection) + 1
        outputs = self._outputs(connection, {result.instruction for result in results})
        completions, rows = [], []
        verdicts: list[tuple[int, Verdict]] = []
        written = now()
        for result in results:
            known = inforce.get(result.trial_key)
            if known is not None and known[1] not in again:
                continue
            revision = 0 if known is None else known[0] + 1
            order = None if result.order is None else str(result.order)
            about = (self._run_id, self._judge_id, *_sides(outputs, result), order, result.repeat)
            asked_before = () if result.first is None else (result.first,)
            for verdict, completion in (*asked_before, (result.verdict, result.completion)):
                inforce[result.trial_key] = (revision, verdict.status)
                if completion is not None:
                    completions.append(_completion_row(verdict_id, completion))
                outcome = (str(verdict.status), str(verdict.source), *_OUTCOME(verdict))
                came_with = None if completion is None else verdict_id
                rows.append((verdict_id, result.trial_key, revision, *about, *outcome, came_with, written))
                verdicts.append((verdict_id, verdict))
                verdict_id, revision = verdict_id + 1, revision + 1
        bulk_insert(connection, t.completions, completions)
        append(connection, rows)
        particulars.add(connection, verdicts)
        new = len({row[1] for row in rows})
        return Stored(new, len(results) - new)

    def known(self, connection: sa.Connection, trial_keys: Sequence[str]) -> dict[str, Status]:
        """How those of the trials ended that have a verdict on the run's benchmark."""
        rows = revisions(connection, self._benchmark_id, trial_keys)
        return {key: status for key, (_, status) in rows.items()}

    def take_over(self, connection: sa.Connection, trial_keys: Sequence[str]) -> Mapping[str, Status]:
        """Store what other benchmarks' verdicts say of those trials that have no answer on this one, in the
        connection's write transaction; how these end. The newest verdict in force is taken, with its reply."""
        self.check(connection)
        keys = list(known_trials(connection, self._benchmark_id, trial_keys).elsewhere)
        failed = revisions(connection, self._benchmark_id, keys)
        answers = _answers_elsewhere(connection, self._benchmark_id, keys)
        written, next_id = now(), newest_id(connection) + 1
        rows = []
        copied: dict[int, list[int]] = {}
        for offset, (key, row) in enumerate(answers.items()):
            copied.setdefault(row["id"], []).append(next_id + offset)
            revision = failed[key][0] + 1 if key in failed else 0
            own = {"id": next_id + offset, "revision": revision, "run_id": self._run_id, "created_at": written}
            rows.append(tuple((row | own)[column.name] for column in t.verdicts.columns))
        append(connection, rows)
        particulars.copy(connection, connection, copied)
        return {key: Status(row["status"]) for key, row in answers.items()}

    def _outputs(self, connection: sa.Connection, keys: set[str]) -> Mapping[str, StoredOutputs]:
        """Of these instructions, and of others. What is remembered is replaced whole: two threads may come at once."""
        known = self._known if len(self._known.keys() | keys) <= _REMEMBERED else {}
        if unknown := keys - known.keys():
            known = self._known = known | stored_outputs(connection, self._benchmark_id, sorted(unknown))
        return known


def _sides(outputs: Mapping[str, StoredOutputs], result: TrialResult) -> tuple[int, int, int | None]:
    """The ids of the instruction and of both outputs. Raises Conflict where one of them is not stored."""
    try:
        return outputs[result.instruction].sides(result.model_a, result.model_b, result.samples)
    except KeyError as error:
        missing = error.args[0]  # a model and a sample, or the instruction
        model = missing[0] if isinstance(missing, tuple) else result.model_a
        raise Conflict(
            f"model {model!r} has no output to instruction {result.instruction} any more: it was deleted or renamed "
            "while the run went on; what was stored before stays, start the run again"
        ) from None


def append(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store rows of verdicts, the first column their ids, which follow those that are stored."""
    bulk_insert(connection, t.verdicts, rows)
    if rows and rows[-1][0] // blocks.BLOCK > (rows[0][0] - 1) // blocks.BLOCK:
        blocks.seal(connection)


def _answers_elsewhere(
    connection: sa.Connection, benchmark: int, trial_keys: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Of each trial, by key, the newest verdict in force that another benchmark has and that is no failure: the columns
    of the table, its instruction and outputs being those of ``benchmark``."""
    theirs, ours = t.instructions.alias("theirs"), t.instructions.alias("ours")
    a, b, our_a, our_b = (t.outputs.alias(name) for name in ("a", "b", "our_a", "our_b"))
    moved = (ours.c.id.label("our_instruction"), our_a.c.id.label("our_a"), our_b.c.id.label("our_b"))
    query = (
        sa.select(t.verdicts, *moved)
        .join(theirs, theirs.c.id == _v.instruction_id)
        .join(ours, (ours.c.benchmark_id == benchmark) & (ours.c.key == theirs.c.key))
        .join(a, a.c.id == _v.output_a_id)
        .join(our_a, _same_place(our_a, a, ours))
        .outerjoin(b, b.c.id == _v.output_b_id)
        .outerjoin(our_b, _same_place(our_b, b, ours))
        .where(among(_v.trial_key), theirs.c.benchmark_id != benchmark)
        .order_by(_v.id)
    )
    newest: dict[tuple[str, int], dict[str, Any]] = {}  # of each benchmark: revisions follow each other
    for row in rows_among(connection, query, trial_keys):
        newest[row.trial_key, row.instruction_id] = dict(row._mapping)
    same = _reading_alike(connection, benchmark, {instruction for _, instruction in newest})
    chosen: dict[str, dict[str, Any]] = {}
    for columns in sorted(newest.values(), key=lambda columns: columns["id"]):
        if columns["status"] != Status.FAILED and columns["instruction_id"] in same:
            sides = {"output_a_id": columns["our_a"], "output_b_id": columns["our_b"]}
            chosen[columns["trial_key"]] = columns | sides | {"instruction_id": columns["our_instruction"]}
    return chosen


def _same_place(one: sa.FromClause, other: sa.FromClause, instruction: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether ``one`` is the output to ``instruction`` that ``other`` is to another benchmark's."""
    same = (one.c.model_id == other.c.model_id) & (one.c.sample == other.c.sample)
    return same & (one.c.instruction_id == instruction.c.id)


def add_reparsed(connection: sa.Connection, verdicts: Mapping[int, Verdict]) -> int:
    """Append a further revision of each stored verdict (by id) with what a newer parser reads; returns how many."""
    next_id = newest_id(connection) + 1
    old = rows_among(connection, sa.select(t.verdicts).where(among(_v.id)).order_by(_v.id), list(verdicts))
    replaced = [dict(row._mapping) for row in old]
    stored = rows_among(connection, _REVISIONS, [row["trial_key"] for row in replaced])
    highest = {(row.instruction_id, row.trial_key): row.revision for row in stored}
    written = now()
    rows = []
    for offset, row in enumerate(replaced):
        verdict = verdicts[row["id"]]
        changed: dict[str, Any] = dict(zip(_OUTCOME_COLUMNS, _OUTCOME(verdict), strict=True))
        changed |= {"status": str(verdict.status), "source": str(verdict.source)}
        revision = highest[row["instruction_id"], row["trial_key"]] + 1
        changed |= {"id": next_id + offset, "revision": revision, "created_at": written}
        rows.append(tuple((row | changed)[column.name] for column in t.verdicts.columns))
    append(connection, rows)
    again = [(next_id + offset, verdicts[row["id"]]) for offset, row in enumerate(replaced)]
    particulars.add(connection, again)
    return len(rows)


def _completion_row(completion_id: int, completion: Completion) -> tuple[Any, ...]:
    logprobs = None
    if completion.logprobs is not None:
        tokens = [
            [token.token, _finite(token.logprob), [[name, _finite(value)] for name, value in token.top]]
            for token in completion.logprobs
        ]
        logprobs = json.dumps(tokens, separators=(",", ":"))
    return (
        completion_id,
        completion.text,
        completion.reasoning,
        completion.finish_reason,
        logprobs,
        completion.model,
        completion.prompt_tokens,
        completion.completion_tokens,
        completion.cost_usd,
        completion.latency_s,
        completion.constrained,
    )


def _finite(logprob: float) -> float:
    """JSON has no infinity; servers write -9999 for a token of probability nought, and so do we."""
    return logprob if math.isfinite(logprob) else -9999.0
