"""The verdicts of another database on the same outputs, taken into this one with the runs that brought them.

Both hold the same benchmarks and outputs: one was copied from the other, or both were filled by the same files. What
the other holds is believed in nothing: each trial's key is computed from the instruction and the outputs that are here.

Of a trial that both have one chain of verdicts counts, by an order that does not depend on who merged what when: a
reply that stated a verdict counts before one that stated none, that before a failure; then the earlier reply counts,
and of readings of one reply the latest. So whatever is merged again changes nothing.
"""

import json
import math
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.judging.templates import shown_key
from judgebench.records import Output, Status
from judgebench.store import benchmarks, events, judges, marks, particulars, trial_keys
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import instruction_of
from judgebench.store.database import Connection, Database, Stored, bulk_insert, insert
from judgebench.store.marks import StoredMarks
from judgebench.store.models import samples_to
from judgebench.store.verdicts import append, every_revision, newest_id

_PAGE = 50  # instructions whose verdicts are taken in by one transaction
_SAYS = dict.fromkeys(Status, 1) | {Status.FAILED: 0, Status.OK: 2, Status.TIE: 2}
_i = t.instructions.c
_SAME = (
    "what is merged holds the same benchmarks and outputs, as where one database was copied from the other; "
    "judgebench export all there and judgebench import here bring what is not here"
)


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run of the other database, and what it is about there."""

    row: Mapping[str, Any]  # as its table holds it
    benchmark: str
    judge: str  # name

    @property
    def specification(self) -> Any:
        """The study as it was asked for. Raises ValueError or RecursionError where that is not JSON."""
        return json.loads(self.row["specification"])


@dataclass(frozen=True, slots=True)
class MergedRun:
    """A run of the other database as it is here."""

    id: int
    new: bool
    judge_id: int
    digest: str  # of the judge
    shows_there: tuple[str, ...]  # what of an instruction beside its conversation is in the keys there, and here
    shows: tuple[str, ...]


def source_runs(connection: Connection) -> list[SourceRun]:
    """In the order in which they began, but for those that audits made."""
    query = (
        sa.select(t.runs, t.benchmarks.c.name.label("benchmark"), t.judges.c.name.label("judge"))
        .join(t.benchmarks, t.benchmarks.c.id == t.runs.c.benchmark_id)
        .join(t.judges, t.judges.c.id == t.runs.c.judge_id)
        .where(~t.benchmarks.c.name.startswith(benchmarks.STAGE))
        .order_by(t.runs.c.id)
    )
    columns = [column.name for column in t.runs.c]
    return [
        SourceRun({name: row._mapping[name] for name in columns}, row.benchmark, row.judge)
        for row in connection.execute(query)
    ]


def add_run(writing: Connection, reading: Connection, run: SourceRun, specification: Mapping[str, Any]) -> MergedRun:
    """The run as it is here from now on, not finished yet, with its judge. ``specification``: the study, without what
    would have somebody asked.

    Raises InputError where the benchmark is not here, Conflict where the judge's name is another judge's.
    """
    _check(t.runs, run.row)
    judge = judges.judge(reading, run.judge)
    shows = judges.shows(reading, judge)
    judge_id = judges.add_judge(writing, judge, shows or ())
    if shows is not None:
        trial_keys.make_current(writing, judge, shows)
    about = {"benchmark_id": _benchmark_id(writing, run.benchmark), "judge_id": judge_id}
    began = about | {"started_at": run.row["started_at"]}
    same = sa.and_(*(t.runs.c[name] == value for name, value in began.items()))
    known: int | None = writing.scalar(sa.select(t.runs.c.id).where(same))
    is_new = known is None
    if known is None:
        kind = "import" if run.row["kind"] == "import" else "merged"
        own = about | {"kind": kind, "finished_at": None, "specification": json.dumps(specification, sort_keys=True)}
        own["job_id"] = None  # it is the other database's
        known = insert(writing, t.runs, **{name: value for name, value in run.row.items() if name != "id"} | own)
    here = judges.shows(writing, judge) or ()
    return MergedRun(known, is_new, judge_id, judge.digest, shows or (), here)


def finish_runs(writing: Connection, ended: Mapping[int, str]) -> None:
    """Say when runs came to their ends, by their ids here, all of whose verdicts are here."""
    for run_id, at in ended.items():
        open_run = (t.runs.c.id == run_id) & t.runs.c.finished_at.is_(None)
        writing.execute(sa.update(t.runs).where(open_run).values(finished_at=at))


def _benchmark_id(writing: Connection, name: str) -> int:
    try:
        return benchmarks.benchmark_id(writing, name)
    except UnknownName as error:
        now = _renamed(writing, "benchmark", name)
        raise InputError(f"benchmark {name!r} is not in this database: {now or _SAME}") from error


def check_outputs(here: Connection, there: Connection) -> None:
    """Raises InputError where a benchmark, or an output to it, that was judged there is not here."""
    v = every_revision().c
    judged = t.outputs.c.id.in_(sa.union(sa.select(v.output_a_id), sa.select(v.output_b_id)))
    name = t.benchmarks.c.name
    ordinary = there.execute(
        sa.select(t.benchmarks.c.id, name).where(~name.startswith(benchmarks.STAGE)).order_by(name)
    )
    for row in ordinary.all():
        judged_there = Counter(map(tuple, there.execute(_names_of_outputs(row.id).where(judged))))
        if not judged_there:
            continue
        known = set(map(tuple, here.execute(_names_of_outputs(_benchmark_id(here, row.name)))))
        of_models = Counter(model for model, *_ in judged_there)
        lacking = Counter(model for model, *which in judged_there if (model, *which) not in known)
        for model, number in sorted(lacking.items()):
            raise InputError(
                f"benchmark {row.name!r}: model {model!r} has no output here to {number:,} of the "
                f"{of_models[model]:,} that were judged there: {_renamed(here, 'model', model) or _SAME}"
            )


def _names_of_outputs(benchmark: int) -> sa.Select[Any]:
    """By model, instruction and sample, the same in every database."""
    query = sa.select(t.models.c.name, _i.key, t.outputs.c.sample).select_from(t.outputs)
    query = query.join(t.models, t.models.c.id == t.outputs.c.model_id)
    return query.join(t.instructions, _i.id == t.outputs.c.instruction_id).where(_i.benchmark_id == benchmark)


def _renamed(here: Connection, kind: str, name: str) -> str | None:
    """What to do about a name that is another one here."""
    e = t.events.c
    query = sa.select(e.details).where(e.kind == kind, e.name == name, e.action == events.RENAMED)
    details = here.scalar(query.order_by(e.id.desc()).limit(1))
    if details is None:
        return None
    new = json.loads(details)["new"]
    command = shlex.join(["judgebench", "--db", "THAT", "db", "rename", kind, name, new, "--yes"])
    return f"it was renamed to {new!r} here; rename it there too, {command}"


def merge_verdicts(target: Database, reading: Connection, runs: Mapping[int, MergedRun]) -> Iterator[Stored]:
    """Take in what runs stored, some instructions in a transaction; of each, how many trials had something new that
    counts, and how many had not. ``runs``: by their ids there.

    Raises InputError where an instruction or an output is not here, or reads otherwise.
    """
    judged = sa.exists().where(every_revision().c.instruction_id == _i.id)
    query = sa.select(_i.id, t.benchmarks.c.name).join(t.benchmarks).where(judged).order_by(_i.id)
    places: dict[str, list[int]] = {}
    for row in reading.execute(query.where(~t.benchmarks.c.name.startswith(benchmarks.STAGE))):
        places.setdefault(row.name, []).append(row.id)
    replies: dict[int, int] = {}  # ids here, by ids there
    for benchmark, all_places in places.items():
        for start in range(0, len(all_places), _PAGE):
            page = all_places[start : start + _PAGE]
            with target.write() as writing:
                stored = _Merging(writing, reading, benchmark, page, runs, replies).merge()
            yield stored


def merge_beside(target: Database, reading: Connection) -> Iterator[StoredMarks]:
    """Take in what stands beside outputs that are here too, some instructions in a transaction: what people and sources
    say of their steps and places, and what happened afterwards.

    Raises InputError where another text of what happened afterwards is here.
    """
    o = t.outputs.c
    told = sa.exists().where(o.instruction_id == _i.id, o.afterwards.is_not(None))
    marked = sa.exists().where(o.instruction_id == _i.id, o.id == t.marks.c.output_id)
    query = sa.select(_i.key, t.benchmarks.c.name, _i.benchmark_id).join(t.benchmarks).where(told | marked)
    keys: dict[tuple[str, int], list[str]] = {}
    for row in reading.execute(query.where(~t.benchmarks.c.name.startswith(benchmarks.STAGE)).order_by(_i.id)):
        keys.setdefault((row.name, row.benchmark_id), []).append(row.key)
    for (benchmark, there), all_keys in keys.items():
        for start in range(0, len(all_keys), _PAGE):
            page = all_keys[start : start + _PAGE]
            with target.write() as writing:
                stored = _merge_beside(writing, reading, benchmark, there, page)
            yield stored


def _merge_beside(
    writing: Connection, reading: Connection, benchmark: str, there: int, keys: Sequence[str]
) -> StoredMarks:
    here = _benchmark_id(writing, benchmark)
    known = {(key, one.model, one.sample): one for key, _, one in samples_to(writing, here, keys)}
    theirs = list(samples_to(reading, there, keys))
    told = marks.of_outputs(reading, [place for _, place, _ in theirs])
    for row in marks.rows_of(reading, list(told)):
        _check(t.marks, row)
    # Of an output that reads otherwise here, places in the other text say nothing.
    same = [
        replace(mine, steps=(), afterwards=output.afterwards, marks=told.get(place, ()))
        for key, place, output in theirs
        if (mine := known.get((key, output.model, output.sample))) is not None and mine.digest == output.digest
    ]
    try:
        return marks.take(writing, here, same)
    except Conflict as error:
        raise InputError(f"benchmark {benchmark!r}: {error}") from error


class _Merging:
    """The verdicts about some instructions of a benchmark on their way."""

    def __init__(
        self,
        writing: Connection,
        reading: Connection,
        benchmark: str,
        places: Sequence[int],
        runs: Mapping[int, MergedRun],
        replies: dict[int, int],
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._benchmark = benchmark
        self._benchmark_id = _benchmark_id(writing, benchmark)
        self._places = places
        self._runs = runs
        self._replies = replies
        there = list(_outputs_there(reading, places))
        self._there: dict[int, tuple[str, str, int]] = {row.id: (row.key, row.name, row.sample) for row in there}
        self._steps_there: dict[int, str | None] = {row.id: row.steps for row in there}
        keys = sorted({key for key, *_ in self._there.values()})
        mine = sa.select(t.instructions).where(_i.benchmark_id == self._benchmark_id, among(_i.key))
        self._instructions = {row.id: instruction_of(row) for row in rows_among(writing, mine, keys)}
        self._outputs = trial_keys.outputs_to(writing, self._instructions)
        self._here = {
            (output.instruction, output.model, output.sample): place for place, output in self._outputs.items()
        }
        self._place_of = {instruction.key: place for place, instruction in self._instructions.items()}
        self._next_id = newest_id(writing) + 1
        self._verdicts: list[tuple[Any, ...]] = []
        self._copied: dict[int, int] = {}  # of the replies: those that come now
        self._new: dict[int, list[int]] = {}  # of the verdicts that come now: ids here, by ids there

    def merge(self) -> Stored:
        v = every_revision().c
        there = sa.select(*v).where(among(v.instruction_id)).order_by(v.trial_key, v.revision)
        rows = (row for row in rows_among(self._reading, there, self._places) if row.run_id in self._runs)
        theirs = {self._key(chain[0]): chain for chain in _chains(rows).values()}
        for chain in theirs.values():
            self._check_steps(chain)
        here = sa.select(*v).join(t.instructions, _i.id == v.instruction_id).order_by(v.trial_key, v.revision)
        here = here.where(_i.benchmark_id == self._benchmark_id, among(v.trial_key))
        ours = _chains(rows_among(self._writing, here, list(theirs)))
        new = sum(self._merge_trial(key, chain, ours.get(key, [])) for key, chain in theirs.items())
        self._add_completions()
        append(self._writing, self._verdicts)
        particulars.copy(self._reading, self._writing, self._new, _check)
        return Stored(new, len(theirs) - new)

    def _key(self, row: sa.Row[Any]) -> str:
        """The key of the trial here. Raises InputError where it is about something else than there."""
        run = self._runs[row.run_id]
        a, b = self._output(row.output_a_id), None if row.output_b_id is None else self._output(row.output_b_id)
        instruction = self._instructions[self._place_of[a.instruction]]
        sides = (a,) if b is None else (a, b)
        keys = [
            trial_keys.key_of(run.digest, instruction, shown_key(instruction, shows, sides), (a, b), row)
            for shows in dict.fromkeys((run.shows_there, run.shows))
        ]
        if row.trial_key != keys[0]:
            raise InputError(
                f"benchmark {self._benchmark!r}, instruction {instruction.key}: it, or an output to it of "
                f"{' and '.join(repr(side.model) for side in (a, b) if side)}, reads otherwise here: what is merged "
                "holds the same benchmarks and outputs, as where one database was copied from the other"
            )
        return keys[-1]

    def _check_steps(self, chain: Sequence[sa.Row[Any]]) -> None:
        """Raises InputError for a verdict on steps or places of an output that is cut otherwise here."""
        place = chain[0].output_a_id
        here = self._output(place)
        steps = json.dumps(here.steps) if here.steps else None  # as they are stored
        if self._steps_there[place] != steps and particulars.spans(self._reading, [row.id for row in chain]):
            raise InputError(
                f"benchmark {self._benchmark!r}, instruction {here.instruction}: the output of {here.model!r} has "
                "other steps here than where it was judged, and the verdict's score is made of those: export the "
                "outputs there and import them here (their output_steps) before judging, or judge them here"
            )

    def _output(self, place: int) -> Output:
        key, model, sample = self._there[place]
        here = self._here.get((key, model, sample))
        if here is None:
            raise InputError(
                f"benchmark {self._benchmark!r}: model {model!r} has no output here to instruction {key} any more: it "
                "was deleted or renamed meanwhile"
            )
        return self._outputs[here]

    def _merge_trial(self, key: str, theirs: Sequence[sa.Row[Any]], ours: Sequence[sa.Row[Any]]) -> bool:
        """Whether what counts of the trial is another's now. Both in the order of their revisions."""
        here = {_moment(row): row for row in ours}
        for row in theirs:
            same = here.get(_moment(row))
            if same is not None and row.completion_id == row.id and same.completion_id is not None:
                self._replies[row.id] = same.completion_id
        if ours and not _counts_before(theirs, ours):
            return False
        missing = [row for row in theirs[:-1] if _moment(row) not in here]
        for revision, row in enumerate((*missing, theirs[-1]), start=ours[-1].revision + 1 if ours else 0):
            self._add(key, row, revision)
        return True

    def _add(self, key: str, row: sa.Row[Any], revision: int) -> None:
        _check(t.verdicts, row._asdict())
        run, reply = self._runs[row.run_id], row.completion_id
        if reply is not None and reply not in self._replies:
            self._replies[reply] = self._copied[reply] = self._next_id
        a = self._here[self._there[row.output_a_id]]
        own = {
            **{"id": self._next_id, "trial_key": key, "revision": revision, "run_id": run.id},
            **{"judge_id": run.judge_id, "instruction_id": self._place_of[self._outputs[a].instruction]},
            "output_a_id": a,
            "output_b_id": None if row.output_b_id is None else self._here[self._there[row.output_b_id]],
            "completion_id": None if reply is None else self._replies[reply],
        }
        self._new.setdefault(row.id, []).append(self._next_id)
        self._verdicts.append(tuple((dict(row._mapping) | own)[column.name] for column in t.verdicts.columns))
        self._next_id += 1

    def _add_completions(self) -> None:
        query = sa.select(t.completions).where(among(t.completions.c.id))
        rows = []
        for row in rows_among(self._reading, query, list(self._copied)):
            _check(t.completions, row._asdict())
            rows.append((self._copied[row.id], *tuple(row)[1:]))
        bulk_insert(self._writing, t.completions, sorted(rows))


def _outputs_there(connection: Connection, places: Sequence[int]) -> Iterable[sa.Row[Any]]:
    """Of each output to the instructions with these ids: its id, their key, its model, its sample and its steps."""
    o = t.outputs.c
    query = sa.select(o.id, _i.key, t.models.c.name, o.sample, o.steps).select_from(t.outputs)
    query = query.join(t.instructions, _i.id == o.instruction_id).join(t.models, t.models.c.id == o.model_id)
    return rows_among(connection, query.where(among(_i.id)), places)


def _chains(rows: Iterable[sa.Row[Any]]) -> dict[str, list[sa.Row[Any]]]:
    """The revisions of each trial, by its key."""
    chains: dict[str, list[sa.Row[Any]]] = {}
    for row in rows:
        chains.setdefault(row.trial_key, []).append(row)
    return chains


def _moment(verdict: sa.Row[Any]) -> tuple[str, str, str]:
    """What a verdict on a trial is told by in every database. Two that came at once end differently: the second answers
    a question that was asked since the first stated no verdict."""
    return verdict.created_at, verdict.status, verdict.source


def _counts_before(theirs: Sequence[sa.Row[Any]], ours: Sequence[sa.Row[Any]]) -> bool:
    """Whether the last verdict of the one chain counts before the other's: by what its reply said when it came, by when
    that was, and by when it was read last."""
    (reply, last), (our_reply, our_last) = _in_force(theirs), _in_force(ours)
    says, says_here = (_SAYS[Status(row.status)] for row in (reply, our_reply))
    if says != says_here:
        return says > says_here
    if reply.created_at != our_reply.created_at:
        return bool(reply.created_at < our_reply.created_at)
    return _moment(last) > _moment(our_last)


def _in_force(chain: Sequence[sa.Row[Any]]) -> tuple[sa.Row[Any], sa.Row[Any]]:
    """The verdict that came with the reply of the one in force, and that one."""
    last = chain[-1]
    return next((row for row in chain if row.id == last.completion_id), last), last


def _check(table: sa.Table, row: Mapping[str, Any]) -> None:
    """Raises InputError for what no column of the table holds; SQLite would take it."""
    for column in table.columns:
        value, kind = row[column.name], column.type.python_type
        if value is None:
            continue
        is_number = kind is float and isinstance(value, int | float) and math.isfinite(value)
        if not (is_number if kind is float else isinstance(value, kind)) or not _is_form(column.name, value):
            place = row[next(iter(table.primary_key.columns)).name]
            raise InputError(
                f"table {table.name}, row {place}: {column.name} is {str(value)[:40]!r}, which no judgebench stores"
            )


def _is_form(name: str, value: Any) -> bool:
    try:
        if name in ("created_at", "started_at", "finished_at"):
            return datetime.fromisoformat(value).tzinfo is not None
        return name not in ("logprobs", "turns") or isinstance(json.loads(value), list)
    except (ValueError, RecursionError):
        return False
