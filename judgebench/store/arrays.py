"""What statistics work on, as arrays: verdicts, scores, the trials of a judge, and the style of outputs."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.records import OVERALL, Source, Status
from judgebench.stats.scores import ScoreTable
from judgebench.stats.text_features import STYLE, count_style
from judgebench.stats.verdict_table import VerdictTable, encode
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import OUTPUT_COLUMNS, has_samples, instruction_ids, output_of, within
from judgebench.store.blocks import STATUSES, Columns, number_columns, status_code, verdict_columns
from judgebench.store.database import in_snapshot
from judgebench.store.events import Kept
from judgebench.store.verdicts import every_revision, in_force, newest_id

_STYLE_OF = attrgetter(*STYLE)
_DENSE = 1 << 24  # ids
_LOOKED_AT = 400  # verdicts
_DOUBT = 4.0  # standard errors of the difference between two judges' numbers among these
_ORDERS = {"AB": 0, "BA": 1, None: -1}  # as a table has them
_KEPT = Kept[int, NDArray[np.int64]]()  # by benchmark
_Chosen = tuple[
    int, tuple[str, ...], str | None, int | None, frozenset[str] | None
]  # the arguments of ``verdict_table``
_READ: WeakKeyDictionary[sa.Connection, WeakValueDictionary[_Chosen, "StoredTable"]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """n trials without a preference or score, coded as the table beside them is."""

    instruction: NDArray[np.int32]  # (n,)
    judge: NDArray[np.int32]  # (n,)
    status: NDArray[np.int64]  # (n,) into STATUSES
    model_a: NDArray[np.int32]  # (n,)
    model_b: NDArray[np.int32]  # (n,) of a reading the model read, as in model_a

    def select(self, rows: NDArray[np.bool_]) -> "LeftOut":
        """These of them."""
        return LeftOut(*(getattr(self, column.name)[rows] for column in fields(self)))

    @property
    def counts(self) -> dict[Status, int]:
        """How many ended so, by status."""
        numbers = np.bincount(self.status, minlength=len(STATUSES)).tolist()
        return {status: number for status, number in zip(STATUSES, numbers, strict=True) if number}


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """m combinations of a judge and two models, none of them twice, coded as the table beside them is."""

    judge: NDArray[np.int32]  # (m,)
    model_a: NDArray[np.int32]  # (m,)
    model_b: NDArray[np.int32]  # (m,) of a reading the model read, as in model_a
    verdicts: NDArray[np.int64]  # (m,) with a preference or score; 0 where all trials ended without one

    @classmethod
    def of(
        cls, judge: NDArray[Any], model_a: NDArray[Any], model_b: NDArray[Any], verdicts: NDArray[Any] | None = None
    ) -> "Met":
        """Of n trials or combinations, with so many verdicts each; None: one each."""
        k = 1 + max(int(model_a.max(initial=0)), int(model_b.max(initial=0)))
        key = (judge.astype(np.int64) * k + model_a) * k + model_b
        if key.max(initial=0) <= 4 * len(key):
            rows = np.bincount(key)
            numbers = rows if verdicts is None else np.bincount(key, weights=verdicts).astype(np.int64)
            key = np.flatnonzero(rows)
            numbers = numbers[key]
        else:
            key, place = np.unique(key, return_inverse=True)
            numbers = np.bincount(place, verdicts, len(key)).astype(np.int64)
        whose, a, b = (code.astype(np.int32) for code in (key // (k * k), key // k % k, key % k))
        return cls(whose, a, b, numbers)

    @classmethod
    def together(cls, parts: Sequence["Met"]) -> "Met":
        """The sum of some that are coded alike."""
        return cls.of(*_columns_of(parts))

    def select(self, rows: NDArray[np.bool_]) -> "Met":
        """These of them."""
        return Met(*(getattr(self, column.name)[rows] for column in fields(self)))


def _columns_of(parts: Sequence[LeftOut] | Sequence[Met]) -> Any:
    """The columns of the parts, one part after the other, in the order of their fields."""
    return [np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(parts[0])]


def trials_met(table: VerdictTable | ScoreTable, without: LeftOut) -> Met:
    """What a table holds, and what could not be in it."""
    parts = [Met.of(without.judge, without.model_a, without.model_b, np.zeros(len(without.judge)))]
    if isinstance(table, ScoreTable):
        parts.append(Met.of(table.judge, table.model, table.model))
    else:
        parts += [Met.of(part.judge, part.model_a, part.model_b) for part in table.parts()]
    return Met.together(parts)


_NONE = np.zeros(0, dtype=np.int32)
_NOTHING = Met(_NONE, _NONE, _NONE, _NONE.astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class StoredTable:
    """Verdicts as arrays, and what could not be in them."""

    table: VerdictTable
    categories: tuple[str | None, ...]  # of each of table.instructions
    without: LeftOut
    others: Met  # trials of judges that were not asked for

    @property
    def left_out(self) -> Mapping[Status, int]:
        """Trials without a preference, by status."""
        return self.without.counts


def verdict_table(
    connection: sa.Connection,
    benchmark: int,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    newest: int | None = None,
    keys: Collection[str] | None = None,
) -> StoredTable:
    """The benchmark's pairwise verdicts in force, of ``judges`` (all where empty), of one category or all.

    ``newest``: the highest id of one that counts; None: all do. ``keys``: of instructions that count, likewise.
    It takes the memory of what counts, and of a block. Who asks again in one snapshot gets the same arrays as
    long as somebody holds them.
    """
    chosen = (benchmark, tuple(judges), category, newest, None if keys is None else frozenset(keys))
    if not in_snapshot(connection):
        return _verdict_table(connection, *chosen)
    held = _READ.setdefault(connection, WeakValueDictionary())
    stored = held.get(chosen) or _verdict_table(connection, *chosen)
    held[chosen] = stored
    return stored


def _verdict_table(
    connection: sa.Connection,
    benchmark: int,
    judges: Sequence[str],
    category: str | None,
    newest: int | None,
    keys: Collection[str] | None,
) -> StoredTable:
    judge_names, judge_ids = _sorted_names(connection, t.judges)
    model_names, model_ids = _sorted_names(connection, t.models)
    i = t.instructions.c
    chosen = sa.select(i.id, i.key, i.category).where(within(benchmark, category)).order_by(i.key)
    instructions = connection.execute(chosen).all()
    verdicts = verdict_columns(connection)
    counted = [row.id if keys is None or row.key in keys else None for row in instructions]
    whose = np.array([not judges or name in judges for name in (*judge_names, None)])  # the last of none, -1
    codes, sampled = (
        _Codes(_Places(counted), _Places(judge_ids), _Places(model_ids)),
        has_samples(connection, benchmark),
    )
    rows = _Rows(codes, whose, newest, verdicts.most, with_ids=sampled)
    for part in verdicts.parts:
        rows.add(part)
    complete = category is None and keys is None
    columns = rows.columns()
    table = VerdictTable(
        models=model_names,
        instructions=tuple(row.key for row in instructions),
        judges=judge_names,
        model_a=columns["model_a"],
        model_b=columns["model_b"],
        instruction=columns["instruction"],
        judge=columns["judge"],
        order=columns["order"],
        preference=columns["preference"],
        length_a=columns["length_a"],
        length_b=columns["length_b"],
        arrival=np.argsort([row.id for row in instructions]).astype(np.int32) if complete else None,
        samples=_samples(connection, benchmark, columns["id"]) if sampled else None,
    )
    return StoredTable(table, tuple(row.category for row in instructions), rows.without(), rows.others())


class _Places:
    """The place of ids in ``ordered``, in which None stands for none of them; -1 of an id that is not there."""

    def __init__(self, ordered: Sequence[int | None]) -> None:
        known = [(row_id, at) for at, row_id in enumerate(ordered) if row_id is not None]
        ids, places = np.array(sorted(known), dtype=np.int64).reshape(-1, 2).T
        self._ids, self._at = np.append(ids, np.iinfo(np.int64).max), np.append(places, -1).astype(np.int32)
        self._table: NDArray[np.int32] | None = None
        if len(ids) and ids[-1] < _DENSE:  # a table of all ids there may be, the faster way
            self._table = np.full(int(ids[-1]) + 2, -1, dtype=np.int32)
            self._table[ids] = self._at[:-1]

    def __call__(self, ids: NDArray[Any]) -> NDArray[np.int32]:
        if self._table is not None:
            return self._table.take(ids, mode="clip")  # of those beyond, the last: none
        at = np.searchsorted(self._ids, ids)
        return np.where(self._ids[at] == ids, self._at[at], np.int32(-1))


@dataclass(frozen=True, slots=True)
class _Codes:
    instruction: _Places
    judge: _Places
    model: _Places


class _Rows:
    """Columns of a table that grow a block at a time, in room taken at once: what is not written takes no memory."""

    def __init__(
        self, codes: _Codes, whose: NDArray[np.bool_], newest: int | None, most: int, *, with_ids: bool
    ) -> None:
        self._codes, self._whose, self._newest = codes, whose, newest
        kinds: dict[str, type[np.number]] = {
            **dict.fromkeys(("instruction", "judge", "model_a", "model_b", "length_a", "length_b"), np.int32),
            **{"order": np.int8, "preference": np.float64},
            **({"id": np.int64} if with_ids else {}),
        }
        self._columns = {name: np.empty(most, kind) for name, kind in kinds.items()}
        self._n = 0
        self._without: list[LeftOut] = []
        self._others: list[Met] = []

    def add(self, part: Columns) -> None:
        """What counts of a block."""
        instruction, judge = self._codes.instruction(part["instruction"]), self._codes.judge(part["judge"])
        within_scope = instruction >= 0
        if self._newest is not None:
            within_scope &= part["id"] <= self._newest
        told, chosen = ~np.isnan(part["preference"]), self._whose[judge]
        coded = {"instruction": instruction, "judge": judge, "id": part["id"]}
        if len(rows := np.flatnonzero(within_scope & chosen & told)):
            self._add(part, coded, rows)
        if len(failed := np.flatnonzero(within_scope & chosen & ~told)):
            a, b = (self._codes.model(part[side][failed]) for side in ("model_a", "model_b"))
            status = part["status"][failed].astype(np.int64)
            self._without.append(LeftOut(instruction[failed], judge[failed], status, a, b))
        if len(other := np.flatnonzero(within_scope & ~chosen)):
            a, b = (self._codes.model(part[side][other]) for side in ("model_a", "model_b"))
            self._others.append(Met.of(judge[other], a, b, told[other]))

    def _add(self, part: Columns, coded: Columns, rows: NDArray[np.intp]) -> None:
        """These rows."""
        for name, column in self._columns.items():
            values = coded[name] if name in coded else part[name]
            room = column[self._n : self._n + len(rows)]
            if name.startswith("model"):
                room[:] = self._codes.model(values[rows])
            elif values.dtype != column.dtype:  # ids of a narrow block
                room[:] = values[rows]
            else:
                np.take(values, rows, out=room, mode="clip")  # which else would copy them first
        self._n += len(rows)

    def columns(self) -> dict[str, NDArray[Any]]:
        return {name: column[: self._n] for name, column in self._columns.items()}

    def without(self) -> LeftOut:
        nothing = LeftOut(_NONE, _NONE, _NONE.astype(np.int64), _NONE, _NONE)
        return LeftOut(*_columns_of([nothing, *self._without]))

    def others(self) -> Met:
        return Met.together([_NOTHING, *self._others])


def likely_judges(connection: sa.Connection, benchmark: int) -> tuple[str, ...]:
    """Those that may have most of the verdicts that compare outputs to the benchmark's instructions, by a few hundred
    of the database's; nobody where none of these does."""
    verdict = every_revision()
    v, i, j = verdict.c, t.instructions.c, t.judges.c
    newest = newest_id(connection)
    query = (
        sa.select(j.name, sa.func.count().label("verdicts"))
        .join_from(verdict, t.judges, j.id == v.judge_id)
        .join(t.instructions, i.id == v.instruction_id)
        # No index is of sums: else SQLite would look at all verdicts of the benchmark.
        .where(among(v.id), i.benchmark_id + 0 == benchmark, v.output_b_id.is_not(None))
        .group_by(j.name)
    )
    looked_at: Counter[str] = Counter()
    for name, verdicts in rows_among(connection, query, range(1, newest + 1, newest // _LOOKED_AT + 1)):
        looked_at[name] += verdicts
    most = max(looked_at.values(), default=0)
    return tuple(sorted(name for name, number in looked_at.items() if number + _DOUBT * (most + number) ** 0.5 >= most))


def label_verdicts(
    connection: sa.Connection,
    benchmark: int,
    *,
    category: str | None = None,
    question: str = OVERALL,
    newest: int | None = None,
) -> StoredTable:
    """People's labels on the benchmark as verdicts of which the annotators are the judges.

    ``without`` has once more those by which both outputs are bad, as ties. ``newest``: as of ``verdict_table``.
    """
    model_names, model_ids = _sorted_names(connection, t.models)
    i, h, a, b = t.instructions.c, t.human_labels.c, t.outputs.alias("a"), t.outputs.alias("b")
    chosen = connection.execute(sa.select(i.id, i.key, i.category).where(within(benchmark, category)).order_by(i.key))
    instructions = chosen.all()
    query = (
        sa.select(
            *(h.annotator, h.instruction_id, a.c.model_id, b.c.model_id, a.c.sample, b.c.sample),
            *(a.c.length_chars, b.c.length_chars, h.order, h.preference, h.both_bad),
        )
        .join_from(t.human_labels, t.instructions, i.id == h.instruction_id)
        .join(a, a.c.id == h.output_a_id)
        .join(b, b.c.id == h.output_b_id)
        .where(within(benchmark, category), h.question == question)
        .where(sa.true() if newest is None else h.id <= newest)
        .order_by(h.id)
    )
    rows = connection.execute(query).all()
    columns = list(zip(*rows, strict=True)) or [()] * 11
    annotators, annotator = encode(columns[0])
    instruction, model_a, model_b = (
        _Places(ordered)(np.array(ids, dtype=np.int64))
        for ids, ordered in zip(columns[1:4], ([row.id for row in instructions], model_ids, model_ids), strict=True)
    )
    samples = np.array(columns[4:6], dtype=np.int32).reshape(2, len(rows)).T
    bad = np.array(columns[10], dtype=np.bool_)
    table = VerdictTable(
        models=model_names,
        instructions=tuple(row.key for row in instructions),
        judges=annotators,
        model_a=model_a,
        model_b=model_b,
        instruction=instruction,
        judge=annotator,
        order=np.array([_ORDERS[order] for order in columns[8]], dtype=np.int8),
        preference=np.array(columns[9], dtype=np.float64),
        length_a=np.array(columns[6], dtype=np.int32),
        length_b=np.array(columns[7], dtype=np.int32),
        arrival=np.argsort([row.id for row in instructions]).astype(np.int32) if category is None else None,
        samples=samples if samples.any() else None,
    )
    ties = np.full(int(bad.sum()), STATUSES.index(Status.TIE), dtype=np.int64)
    without = LeftOut(instruction[bad], annotator[bad], ties, model_a[bad], model_b[bad])
    return StoredTable(table, tuple(row.category for row in instructions), without, _NOTHING)


def _samples(connection: sa.Connection, benchmark: int, verdicts: NDArray[np.int64]) -> NDArray[np.int32]:
    """(n, 2) which of A's outputs and of B's each of these verdicts (ids, in order) is about."""
    verdict = every_revision()  # all are about the same outputs
    v, a, b = verdict.c, t.outputs.alias("a"), t.outputs.alias("b")
    further = (a.c.sample > sa.literal_column("0")) | (b.c.sample > sa.literal_column("0"))
    sampled = sa.select(t.outputs.c.instruction_id).where(t.outputs.c.sample > sa.literal_column("0"))
    query = (
        sa.select(v.id, a.c.sample, b.c.sample)
        .join_from(verdict, a, a.c.id == v.output_a_id)
        .join(b, b.c.id == v.output_b_id)
        .join(t.instructions, t.instructions.c.id == v.instruction_id)
        .where(within(benchmark, None), v.instruction_id.in_(sampled), further)
    )
    ids, *numbers = number_columns(connection, query, [np.dtype(kind) for kind in ("<i8", "<i4", "<i4")])
    at = np.searchsorted(verdicts, ids)
    inside = np.append(verdicts, -1)[at] == ids  # in force, and chosen
    samples = np.zeros((len(verdicts), 2), dtype=np.int32)
    samples[at[inside]] = np.stack(numbers, axis=1)[inside]
    return samples


def _sorted_names(connection: sa.Connection, table: sa.Table) -> tuple[tuple[str, ...], list[int]]:
    """All names, sorted as Python sorts them, whatever the database's collation; and their ids in that order."""
    rows = sorted((row.name, row.id) for row in connection.execute(sa.select(table.c.name, table.c.id)))
    return tuple(name for name, _ in rows), [row_id for _, row_id in rows]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """n trials in force of one judge on one benchmark."""

    instruction: NDArray[np.int64]  # (n,) ids
    status: NDArray[np.str_]
    recorded: NDArray[np.bool_]  # imported with the value that its publisher recorded
    cost_usd: NDArray[np.float64]  # NaN where not known
    latency_s: NDArray[np.float64]  # NaN where not known


def trials(connection: sa.Connection, benchmark_id: int, judge: str) -> Trials:
    """Every trial that the judge was asked about on the benchmark, failures included."""
    v, j, c = in_force(connection).c, t.judges.c, t.completions.c
    from_publisher = sa.case((v.source == str(Source.RECORDED), 1), else_=0)
    # Of all benchmarks: verdicts and replies lie in one order then, an instruction's are all over the file.
    query = (
        sa.select(v.instruction_id, status_code(v.status), from_publisher, c.cost_usd, c.latency_s)
        .outerjoin(t.completions, c.id == v.completion_id)
        .where(v.judge_id == connection.scalar(sa.select(j.id).where(j.name == judge)))
    )
    kinds = (np.int64, np.int64, np.int8, np.float64, np.float64)
    columns = number_columns(connection, query, [np.dtype(kind) for kind in kinds])
    inside = _Places([*instruction_ids(connection, benchmark_id).values()])(columns[0]) >= 0
    instruction, status, recorded, cost, latency = (column[inside] for column in columns)
    return Trials(instruction, np.array(STATUSES, dtype=np.str_)[status], recorded.astype(bool), cost, latency)


def failures(connection: sa.Connection, benchmark_id: int, judge: str, most: int) -> list[tuple[Status, str, int]]:
    """Why the judge's trials on the benchmark have no verdict: how they ended, the reason, "" where none is stored, and
    how many; the ``most`` frequent ones, most first."""
    v, j, i = in_force(connection).c, t.judges.c, t.instructions.c
    reason, number = sa.func.coalesce(v.detail, ""), sa.func.count()
    query = (
        sa.select(v.status, reason, number)
        .where(
            v.judge_id == connection.scalar(sa.select(j.id).where(j.name == judge)),
            v.status.not_in((str(Status.OK), str(Status.TIE))),
            v.instruction_id.in_(sa.select(i.id).where(i.benchmark_id == benchmark_id)),
        )
        .group_by(v.status, reason)
        .order_by(number.desc(), v.status, reason)
        .limit(most)
    )
    return [(Status(row[0]), row[1], row[2]) for row in connection.execute(query)]


def style_counts(
    connection: sa.Connection, benchmark_id: int, *, models: Sequence[str], instructions: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """(instructions, models) how often each feature of STYLE occurs in each output; 0 where there is none.

    Of several samples their mean.
    """
    m = t.models.c
    instruction_codes = instruction_ids(connection, benchmark_id)
    model_codes = {row.name: row.id for row in connection.execute(sa.select(m.name, m.id))}
    counted = _style_of_outputs(connection, benchmark_id)
    row, column = (
        _Places([ids.get(name) for name in names])(counted[:, at])
        for ids, names, at in ((instruction_codes, instructions, 1), (model_codes, models, 2))
    )
    shape = len(instructions) + 1, len(models) + 1  # the last of each take what was not asked for
    cell = row % shape[0] * shape[1] + column % shape[1]
    samples = np.bincount(cell, minlength=shape[0] * shape[1]).clip(min=1)
    style = {}
    for feature, counts in zip(STYLE, counted.T[3:], strict=True):
        sums = np.bincount(cell, weights=counts, minlength=shape[0] * shape[1])
        style[feature] = (sums / samples).reshape(shape)[:-1, :-1]
    return style


def _style_of_outputs(connection: sa.Connection, benchmark_id: int) -> NDArray[np.int64]:
    """(outputs, 3 + features) ids of every output, its instruction and its model, and the counts of STYLE.

    Outputs are only ever appended: what was counted is kept as long as the database is open and none are deleted.
    """
    kept = _KEPT.of(connection)
    before = kept.get(benchmark_id, np.empty((0, 3 + len(STYLE)), dtype=np.int64))
    i, o = t.instructions.c, t.outputs.c
    of_benchmark = sa.select(i.id).where(i.benchmark_id == benchmark_id)
    newer = (o.instruction_id.in_(of_benchmark), o.id > int(before[:, 0].max(initial=0)))
    about = (o.id, o.instruction_id, o.model_id)
    counted = sa.select(*about, *(o[feature] for feature in STYLE)).where(*newer, o.headers.is_not(None))
    columns = np.stack(number_columns(connection, counted, [np.dtype(np.int64)] * before.shape[1]), axis=1)
    uncounted = sa.select(*about, *(o[name] for name in OUTPUT_COLUMNS)).where(*newer, o.headers.is_(None))
    parts = [
        np.array([(*row[:3], *_style(row)) for row in rows], dtype=np.int64)
        for rows in connection.execute(uncounted.execution_options(yield_per=1000)).partitions()
    ]
    kept[benchmark_id] = np.concatenate([before, columns, *parts])
    return kept[benchmark_id]


def _style(row: sa.Row[Any]) -> tuple[int, ...]:
    """Of an output that was stored before this was counted."""
    columns: Sequence[Any] = row[3:]
    counts: tuple[int, ...] = _STYLE_OF(count_style(output_of("", "", *columns).whole))
    return counts


@dataclass(frozen=True, slots=True)
class StoredScores:
    """Scores as arrays, and what could not be in them."""

    table: ScoreTable
    templates: tuple[str, ...]  # digests: what each of table.judges was asked with; different ones share no scale
    without: LeftOut

    @property
    def left_out(self) -> Mapping[Status, int]:
        """Readings without a score, by status."""
        return self.without.counts


def score_table(
    connection: sa.Connection,
    benchmark: int,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    newest: int | None = None,
) -> StoredScores:
    """The benchmark's pointwise verdicts in force, of ``judges`` (all where empty), of one category or all.

    ``newest``: as of ``verdict_table``.
    """
    verdicts, i, o, j = in_force(connection), t.instructions.c, t.outputs.c, t.judges.c
    v = verdicts.c
    pointwise = [within(benchmark, category), v.output_b_id.is_(None), *([j.name.in_(judges)] if judges else [])]
    pointwise += [] if newest is None else [v.id <= newest]
    joined = (
        sa.join(verdicts, t.instructions, i.id == v.instruction_id)
        .join(t.outputs, o.id == v.output_a_id)
        .join(t.models, t.models.c.id == o.model_id)
        .join(t.judges, j.id == v.judge_id)
    )
    columns = (
        t.models.c.name,
        i.key,
        j.name,
        j.template,
        o.length_chars,
        v.score,
        o.sample,
        v.status,
        j.template_digest,
    )
    read = connection.execute(sa.select(*columns).select_from(joined).where(*pointwise).order_by(v.id)).all()
    models, model = encode([row[0] for row in read])
    instructions, instruction = encode([row[1] for row in read])
    names, judge = encode([row[2] for row in read])
    score = np.array([np.nan if row[5] is None else row[5] for row in read], dtype=np.float64)
    length = np.array([row[4] for row in read], dtype=np.int32)
    sample = np.array([row[6] for row in read], dtype=np.int32)
    status = np.array([STATUSES.index(Status(row[7])) for row in read], dtype=np.int64)
    told = ~np.isnan(score)
    several = sample[told] if sample[told].any() else None
    asked_with = {row[2]: row[3] for row in read}
    return StoredScores(
        ScoreTable(
            *(models, instructions, names, model[told], instruction[told]),
            *(judge[told], score[told], length[told], several),
        ),
        tuple(asked_with[name] for name in names),
        LeftOut(instruction[~told], judge[~told], status[~told], model[~told], model[~told]),
    )


def arrivals(connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = ()) -> list[tuple[str, int, int]]:
    """When verdicts of ``judges`` (all where empty) on the benchmark were stored: for each time, in order, the highest
    id of one stored until then, and how many were at that time. Every revision counts."""
    verdicts = every_revision()
    named = sa.select(t.judges.c.id).where(t.judges.c.name.in_(judges))
    return _arrivals(connection, benchmark, verdicts, *[verdicts.c.judge_id.in_(named)] * bool(judges))


def vote_arrivals(
    connection: sa.Connection, benchmark: int, *, question: str, annotators: Sequence[str] = ()
) -> list[tuple[str, int, int]]:
    """The same of people's votes on one question, of ``annotators`` (all where empty)."""
    c = t.human_labels.c
    theirs = [c.annotator.in_(annotators)] * bool(annotators)
    return _arrivals(connection, benchmark, t.human_labels, c.question == question, *theirs)


def _arrivals(
    connection: sa.Connection, benchmark: int, stored: sa.FromClause, *conditions: sa.ColumnElement[bool]
) -> list[tuple[str, int, int]]:
    c = stored.c
    of_benchmark = sa.select(t.instructions.c.id).where(within(benchmark, None))
    query = (
        sa.select(c.created_at, sa.func.max(c.id), sa.func.count())
        .where(c.instruction_id.in_(of_benchmark), *conditions)
        .group_by(c.created_at)
        .order_by(sa.func.max(c.id))
    )
    return [(str(time), int(newest), int(number)) for time, newest, number in connection.execute(query)]
