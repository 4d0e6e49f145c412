"""The verdicts of another database on the same outputs, taken into this one with the runs that brought them.

Both hold the same benchmarks and outputs: one was copied from the other, or both were filled by the same files. A trial
is the same in both where its key is, a verdict where it was stored at the same moment, and a run where it began at the
same microsecond. So whatever is merged again changes nothing, and the order in which databases are merged decides
nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import InputError, UnknownName
from judgebench.records import Status
from judgebench.store import benchmarks, judges, trial_keys
from judgebench.store import schema as t
from judgebench.store.database import AMONG, Connection, Database, Stored, bulk_insert, insert, rows_among
from judgebench.store.verdicts import append, every_revision, newest_id

_PAGE = 50  # instructions whose verdicts are taken in by one transaction
_SAYS = dict.fromkeys(Status, 1) | {Status.FAILED: 0, Status.OK: 2, Status.TIE: 2}
_i = t.instructions.c


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run of the other database, and what it is about there."""

    row: Mapping[str, Any]  # as its table holds it
    benchmark: str
    judge: str  # name

    @property
    def specification(self) -> dict[str, Any]:
        """The study as it was asked for."""
        return dict(json.loads(self.row["specification"]))


def source_runs(connection: Connection) -> list[SourceRun]:
    """In the order in which they began."""
    query = (
        sa.select(t.runs, t.benchmarks.c.name.label("benchmark"), t.judges.c.name.label("judge"))
        .join(t.benchmarks, t.benchmarks.c.id == t.runs.c.benchmark_id)
        .join(t.judges, t.judges.c.id == t.runs.c.judge_id)
        .order_by(t.runs.c.id)
    )
    columns = [column.name for column in t.runs.c]
    return [
        SourceRun({name: row._mapping[name] for name in columns}, row.benchmark, row.judge)
        for row in connection.execute(query)
    ]


def add_run(
    writing: Connection, reading: Connection, run: SourceRun, specification: Mapping[str, Any]
) -> tuple[int, bool]:
    """The run's id here, with its judge, and whether it is new. ``specification``: the study as it is kept here.

    Raises InputError where the benchmark is not here, Conflict where the judge's name is another judge's.
    """
    judge = judges.judge(reading, run.judge)
    shows = judges.shows(reading, judge)
    judge_id = judges.add_judge(writing, judge, shows or ())
    if shows is not None:
        trial_keys.make_current(writing, judge, shows)
    about = {"benchmark_id": _benchmark_id(writing, run.benchmark), "judge_id": judge_id}
    r, began = t.runs.c, {name: run.row[name] for name in ("kind", "started_at")}
    same = sa.and_(*(r[name] == value for name, value in (about | began).items()))
    known = writing.execute(sa.select(r.id, r.finished_at).where(same)).first()
    if known is None:
        own = about | {"specification": json.dumps(specification, sort_keys=True)}
        return insert(writing, t.runs, **{name: value for name, value in run.row.items() if name != "id"} | own), True
    if known.finished_at is None:
        ended = sa.update(t.runs).where(r.id == known.id)
        writing.execute(ended.values(finished_at=run.row["finished_at"]))
    return int(known.id), False


def _benchmark_id(writing: Connection, name: str) -> int:
    try:
        return benchmarks.benchmark_id(writing, name)
    except UnknownName as error:
        raise InputError(
            f"benchmark {name!r} is not in this database: what is merged holds the same benchmarks and outputs, as "
            "where one database was copied from the other"
        ) from error


def merge_verdicts(target: Database, reading: Connection, runs: Mapping[int, int]) -> Stored:
    """Take in what runs stored, some instructions in a transaction; how many trials had something new, and how many
    had nothing. ``runs``: their ids here, by their ids there.

    Of two answers to a trial the earlier one counts; a verdict counts before an answer that states none, and any
    answer before a failure. Raises InputError where an output is not here, or reads otherwise.
    """
    judged = sa.exists().where(every_revision().c.instruction_id == _i.id)
    query = sa.select(_i.id, _i.benchmark_id, t.benchmarks.c.name).join(t.benchmarks).where(judged).order_by(_i.id)
    places: dict[str, list[int]] = {}
    for row in reading.execute(query):
        places.setdefault(row.name, []).append(row.id)
    new = known = 0
    for benchmark, all_places in places.items():
        for start in range(0, len(all_places), _PAGE):
            with target.write() as writing:
                merging = _Merging(writing, reading, benchmark, all_places[start : start + _PAGE], runs)
                stored = merging.merge()
            new, known = new + stored.new, known + stored.known
    return Stored(new, known)


class _Merging:
    """The verdicts about some instructions of a benchmark on their way."""

    def __init__(
        self, writing: Connection, reading: Connection, benchmark: str, places: Sequence[int], runs: Mapping[int, int]
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._benchmark = benchmark
        self._benchmark_id = _benchmark_id(writing, benchmark)
        self._places = places
        self._runs = runs
        self._judges = {row.id: row.judge_id for row in writing.execute(sa.select(t.runs.c.id, t.runs.c.judge_id))}
        self._there = {output.id: output for output in _outputs(reading, _i.id.in_(AMONG), places)}
        keys = sorted({output.key for output in self._there.values()})
        mine = (_i.benchmark_id == self._benchmark_id) & _i.key.in_(AMONG)
        self._here = {(o.key, o.model, o.sample): o for o in _outputs(writing, mine, keys)}
        self._next_id = newest_id(writing) + 1
        self._verdicts: list[tuple[Any, ...]] = []
        self._replies: dict[int, int] = {}  # ids here, by ids there

    def merge(self) -> Stored:
        v = every_revision().c
        there = sa.select(*v).where(v.instruction_id.in_(AMONG)).order_by(v.trial_key, v.revision)
        theirs = _by_key(row for row in rows_among(self._reading, there, self._places) if row.run_id in self._runs)
        here = sa.select(*v).join(t.instructions, _i.id == v.instruction_id).order_by(v.trial_key, v.revision)
        here = here.where(_i.benchmark_id == self._benchmark_id, v.trial_key.in_(AMONG))
        ours = _by_key(rows_among(self._writing, here, list(theirs)))
        new = sum(self._merge_trial(rows, ours.get(key, [])) for key, rows in theirs.items())
        self._add_completions()
        append(self._writing, self._verdicts)
        return Stored(new, len(theirs) - new)

    def _merge_trial(self, theirs: Sequence[sa.Row[Any]], ours: Sequence[sa.Row[Any]]) -> bool:
        """Whether anything of the trial was taken in. Both in the order of their revisions."""
        here = {_moment(row): row.id for row in ours}
        missing = [row for row in theirs if _moment(row) not in here]
        is_behind = here.keys() <= {_moment(row) for row in theirs}
        if not missing or not (is_behind or _counts_before(theirs[-1], ours[-1])):
            return False
        ids = {row.id: here[_moment(row)] for row in theirs if _moment(row) in here}
        revision = max((row.revision for row in ours), default=-1)
        for number, row in enumerate(missing, start=revision + 1):
            ids[row.id] = self._next_id
            self._add(row, number, ids)
            self._next_id += 1
        return True

    def _add(self, row: sa.Row[Any], revision: int, ids: Mapping[int, int]) -> None:
        """``ids``: of the trial's verdicts here, by their ids there."""
        reply = row.completion_id
        if reply is not None and reply not in ids:  # it came with another benchmark's verdict
            ids = {**ids, reply: self._next_id}
        if reply is not None and ids[reply] == self._next_id:
            self._replies[reply] = self._next_id
        run_id = self._runs[row.run_id]
        a = self._output(row.output_a_id)
        own = {
            **{"id": self._next_id, "revision": revision, "run_id": run_id, "judge_id": self._judges[run_id]},
            **{"instruction_id": a.instruction_id, "output_a_id": a.id},
            "output_b_id": None if row.output_b_id is None else self._output(row.output_b_id).id,
            "completion_id": None if reply is None else ids[reply],
        }
        self._verdicts.append(tuple((dict(row._mapping) | own)[column.name] for column in t.verdicts.columns))

    def _add_completions(self) -> None:
        c = t.completions.c
        rows = rows_among(self._reading, sa.select(t.completions).where(c.id.in_(AMONG)), list(self._replies))
        by_id = {self._replies[row.id]: tuple(row)[1:] for row in rows}
        bulk_insert(self._writing, t.completions, [(place, *by_id[place]) for place in sorted(by_id)])

    def _output(self, place: int) -> sa.Row[Any]:
        there = self._there[place]
        here = self._here.get((there.key, there.model, there.sample))
        if here is None or _text(here) != _text(there):
            how = "has no output" if here is None else "has another output"
            raise InputError(
                f"benchmark {self._benchmark!r}: model {there.model!r} {how} here to instruction {there.key}: what is "
                "merged holds the same outputs, as where one database was copied from the other"
            )
        return here


def _outputs(connection: Connection, chosen: sa.ColumnElement[bool], values: Sequence[Any]) -> Iterable[sa.Row[Any]]:
    o = t.outputs.c
    query = (
        sa.select(o.id, o.instruction_id, _i.key, t.models.c.name.label("model"), o.sample, o.text, o.messages)
        .join(t.instructions, _i.id == o.instruction_id)
        .join(t.models, t.models.c.id == o.model_id)
        .where(chosen)
    )
    return rows_among(connection, query, values)


def _text(output: sa.Row[Any]) -> tuple[str, str | None]:
    return output.text, output.messages


def _by_key(rows: Iterable[sa.Row[Any]]) -> dict[str, list[sa.Row[Any]]]:
    by_key: dict[str, list[sa.Row[Any]]] = {}
    for row in rows:
        by_key.setdefault(row.trial_key, []).append(row)
    return by_key


def _moment(verdict: sa.Row[Any]) -> tuple[str, str, str]:
    """What a verdict on a trial is told by in every database. Two that came at once end differently: the second answers
    a question that was asked since the first stated no verdict."""
    return verdict.created_at, verdict.status, verdict.source


def _counts_before(theirs: sa.Row[Any], ours: sa.Row[Any]) -> bool:
    says, said_here = _SAYS[Status(theirs.status)], _SAYS[Status(ours.status)]
    return says > said_here or (says == said_here > 0 and theirs.created_at < ours.created_at)
