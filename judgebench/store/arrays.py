"""A query's numbers as arrays, a column each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.records import Source, Status
from judgebench.stats.scores import ScoreTable
from judgebench.stats.text_features import count_style
from judgebench.stats.verdict_table import VerdictTable, encode
from judgebench.store import schema as t
from judgebench.store.benchmarks import within
from judgebench.store.verdicts import IN_FORCE


def number_columns(
    connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]
) -> list[NDArray[Any]]:
    """One array a column of ``query``, of these kinds; their rows are in the same order, whatever it is.

    Floats may be null, which becomes NaN; integers may not.
    """
    read = _texts if connection.dialect.name == "sqlite" else _rows
    return read(connection, query, kinds)


def _texts(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    """SQLite hands each column over as one text, several times as fast as a Python object for each number."""
    columns = zip(query.selected_columns, kinds, strict=True)
    whole = [sa.func.group_concat(_exactly(column) if kind.kind == "f" else column) for column, kind in columns]
    texts = connection.execute(query.with_only_columns(*whole, maintain_column_froms=True)).one()
    return [
        np.array([], kind) if text is None else np.fromstring(text, sep=",", dtype=kind)
        for text, kind in zip(texts, kinds, strict=True)
    ]


def _exactly(number: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """With all digits; the preferences of most judges need one, and printing is what takes long."""
    plain = ((number == 1, "1"), (number == 0, "0"), (number.is_(None), "nan"))
    return sa.case(*plain, else_=sa.func.printf("%!.17g", number))


def _rows(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    rows = connection.execute(query).all()
    return [np.array([row[at] for row in rows], dtype=kind) for at, kind in enumerate(kinds)]


BLOCK = 1 << 16  # ids of verdicts: some 2 MB


STATUSES = tuple(Status)


Columns = Mapping[str, NDArray[Any]]


_FORMAT = 1  # of stored blocks; others are not read. Raise it with any change of the kinds below or of STATUSES.


_KINDS: dict[str, np.dtype[Any]] = {
    "id": np.dtype("<i4"),
    "instruction": np.dtype("<i4"),  # id, as for judge and models
    "judge": np.dtype("<i4"),
    "model_a": np.dtype("<i4"),
    "model_b": np.dtype("<i4"),
    "length_a": np.dtype("<i4"),
    "length_b": np.dtype("<i4"),
    "order": np.dtype("<i1"),  # as in VerdictTable
    "status": np.dtype("<i1"),  # index in STATUSES
    "preference": np.dtype("<f8"),  # NaN: none
}


_ROW_BYTES = sum(kind.itemsize for kind in _KINDS.values())


_v = t.verdicts.c


_b = t.verdict_blocks.c


_newer = t.verdicts.alias("newer")


def verdict_columns(connection: sa.Connection) -> Columns:
    """All pairwise verdicts of the database that are in force, in the order of their ids, failures included."""
    parts = [_unpacked(columns) for columns in _sealed(connection)]
    parts.append(_read(connection, len(parts) * BLOCK, None))
    found = {name: np.concatenate([part[name] for part in parts]) for name in _KINDS}
    revised = _revised(connection)
    if not len(revised):
        return found
    inforce = ~np.isin(found["id"], revised)
    return {name: values[inforce] for name, values in found.items()}


def status_code() -> sa.ColumnElement[int]:
    """The place of a verdict's status in STATUSES."""
    return sa.case(*((_v.status == str(status), code) for code, status in enumerate(STATUSES)))


def seal(connection: sa.Connection) -> None:
    """Store the blocks that are full and not stored yet, in the connection's write transaction."""
    newest = connection.scalar(sa.select(sa.func.max(_v.id))) or 0
    stored = enumerate(connection.scalars(sa.select(_b.id).where(_b.format == _FORMAT).order_by(_b.id)))
    for number in range(sum(block == number for number, block in stored), newest // BLOCK):
        row = {"id": number, "format": _FORMAT, "columns": _packed(_block(connection, number))}
        connection.execute(sa.delete(t.verdict_blocks).where(_b.id == number))
        connection.execute(sa.insert(t.verdict_blocks).values(row))


def seal_if_filled(connection: sa.Connection, first: int, last: int) -> None:
    """Seal if the verdicts with the ids ``first`` to ``last``, just inserted, fill a block."""
    if last // BLOCK > (first - 1) // BLOCK:
        seal(connection)


def reseal(connection: sa.Connection) -> None:
    """Build every block anew from the verdicts, in the connection's write transaction."""
    connection.execute(sa.delete(t.verdict_blocks))
    seal(connection)


def stale_blocks(connection: sa.Connection) -> list[int]:
    """Numbers of the stored blocks that are not what the verdicts say: damage, or rows changed by hand."""
    stored = _sealed(connection)
    return [number for number, columns in enumerate(stored) if columns != _packed(_block(connection, number))]


def _sealed(connection: sa.Connection) -> list[bytes]:
    """The stored blocks from the first verdict on, as far as they follow each other."""
    query = sa.select(_b.id, _b.columns).where(_b.format == _FORMAT).order_by(_b.id)
    rows = enumerate(connection.execute(query).all())
    return [row.columns for number, row in rows if row.id == number]


def _revised(connection: sa.Connection) -> NDArray[np.int64]:
    """Ids of verdicts that have a later revision.

    The 0 is written out, and the run asked for, which no larger index holds, so that the index of revisions is used.
    """
    query = (
        sa.select(_v.id, _newer.c.run_id)
        .join(_newer, (_newer.c.trial_key == _v.trial_key) & (_newer.c.revision > _v.revision))
        .where(_newer.c.revision > sa.literal_column("0"))
    )
    return np.array(connection.scalars(query).all(), dtype=np.int64)


def _block(connection: sa.Connection, number: int) -> Columns:
    return _read(connection, number * BLOCK, (number + 1) * BLOCK)


def _read(connection: sa.Connection, after: int, last: int | None) -> Columns:
    """The columns of the verdicts behind the id ``after``, up to the id ``last``."""
    a, b = t.outputs.alias("a"), t.outputs.alias("b")
    columns = (
        _v.id,
        _v.instruction_id,
        _v.judge_id,
        a.c.model_id,
        b.c.model_id,
        a.c.length_chars,
        b.c.length_chars,
        sa.case((_v.order == "AB", 0), (_v.order == "BA", 1), else_=-1),
        status_code(),
        _v.preference,
    )
    query = sa.select(*columns).join_from(t.verdicts, a, a.c.id == _v.output_a_id).join(b, b.c.id == _v.output_b_id)
    query = query.where(_v.id > after) if last is None else query.where(_v.id > after, _v.id <= last)
    found = dict(zip(_KINDS, number_columns(connection, query, list(_KINDS.values())), strict=True))
    in_order = np.argsort(found["id"], kind="stable")
    return {name: values[in_order] for name, values in found.items()}


def _packed(columns: Columns) -> bytes:
    return b"".join(columns[name].astype(kind).tobytes() for name, kind in _KINDS.items())


def _unpacked(packed: bytes) -> Columns:
    n, at = len(packed) // _ROW_BYTES, 0
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in _KINDS.items():
        columns[name] = np.frombuffer(packed, kind, n, at)
        at += n * kind.itemsize
    return columns


@dataclass(frozen=True, slots=True)
class StoredTable:
    """Verdicts as arrays, and what could not be in them."""

    table: VerdictTable
    categories: tuple[str | None, ...]  # of each of table.instructions
    left_out: Mapping[Status, int]  # trials without a preference, by status


def verdict_table(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> StoredTable:
    """The benchmark's pairwise verdicts in force, of ``judges`` (all where empty), of one category or all."""
    judge_names, judge_ids = _sorted_names(connection, t.judges)
    model_names, model_ids = _sorted_names(connection, t.models)
    i = t.instructions.c
    chosen = connection.execute(sa.select(i.id, i.key, i.category).where(within(benchmark, category)).order_by(i.key))
    found = chosen.all()
    rows = verdict_columns(connection)
    instruction, by = _codes(rows["instruction"], [row.id for row in found]), _codes(rows["judge"], judge_ids)
    wanted = instruction >= 0
    if judges:
        wanted &= np.isin(by, [judge_names.index(name) for name in judges if name in judge_names])
    told = wanted & ~np.isnan(rows["preference"])
    table = VerdictTable(
        models=model_names,
        instructions=tuple(row.key for row in found),
        judges=judge_names,
        model_a=_codes(rows["model_a"][told], model_ids),
        model_b=_codes(rows["model_b"][told], model_ids),
        instruction=instruction[told],
        judge=by[told],
        order=rows["order"][told],
        preference=rows["preference"][told],
        length_a=rows["length_a"][told],
        length_b=rows["length_b"][told],
        arrival=np.argsort([row.id for row in found]).astype(np.int32) if category is None else None,
    )
    without = np.bincount(rows["status"][wanted & ~told], minlength=len(STATUSES)).tolist()
    left_out = {status: count for status, count in zip(STATUSES, without, strict=True) if count}
    return StoredTable(table, tuple(row.category for row in found), left_out)


def _sorted_names(connection: sa.Connection, table: sa.Table) -> tuple[tuple[str, ...], list[int]]:
    """All names, sorted as Python sorts them, whatever the database's collation; and their ids in that order."""
    rows = sorted((row.name, row.id) for row in connection.execute(sa.select(table.c.name, table.c.id)))
    return tuple(name for name, _ in rows), [row_id for _, row_id in rows]


def _codes(ids: NDArray[Any], ordered: Sequence[int]) -> NDArray[np.int32]:
    """The place of each id in ``ordered``; -1 where it is not there."""
    places = np.full(max(int(ids.max(initial=0)), *ordered, 0) + 1, -1, dtype=np.int32)
    places[list(ordered)] = np.arange(len(ordered), dtype=np.int32)
    codes: NDArray[np.int32] = places[ids]
    return codes


_c = t.completions.c


STYLE = ("headers", "lists", "bold", "code")


_STYLE_OF = attrgetter(*STYLE)


_KEPT: WeakKeyDictionary[sa.Engine, dict[int, NDArray[np.int32]]] = WeakKeyDictionary()  # by benchmark, see _counted


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
    i = t.instructions.c
    from_publisher = sa.case((_v.source == str(Source.RECORDED), 1), else_=0)
    query = (
        sa.select(_v.instruction_id, status_code(), from_publisher, _c.cost_usd, _c.latency_s)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .outerjoin(t.completions, _c.id == _v.completion_id)
        .where(i.benchmark_id == benchmark_id, t.judges.c.name == judge, IN_FORCE)
    )
    kinds = (np.int64, np.int64, np.int8, np.float64, np.float64)
    instruction, status, recorded, cost, latency = number_columns(connection, query, [np.dtype(kind) for kind in kinds])
    return Trials(instruction, np.array(STATUSES, dtype=np.str_)[status], recorded.astype(bool), cost, latency)


def style_counts(
    connection: sa.Connection, benchmark_id: int, *, models: Sequence[str], instructions: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """(instructions, models) how often each feature of STYLE occurs in each output; 0 where there is none."""
    i, m = t.instructions.c, t.models.c
    asked = {row.key: row.id for row in connection.execute(sa.select(i.key, i.id).where(i.id.in_(_of(benchmark_id))))}
    known = {row.name: row.id for row in connection.execute(sa.select(m.name, m.id))}
    counted = _counted(connection, benchmark_id)
    row, column = (
        _places([ids.get(name, 0) for name in names], counted[:, at])
        for ids, names, at in ((asked, instructions, 1), (known, models, 2))
    )
    found = {}
    for feature, counts in zip(STYLE, counted.T[3:], strict=True):
        cells = np.zeros((len(instructions) + 1, len(models) + 1))  # the last of each take what was not asked for
        cells[row, column] = counts
        found[feature] = cells[:-1, :-1]
    return found


def _counted(connection: sa.Connection, benchmark_id: int) -> NDArray[np.int32]:
    """(outputs, 3 + features) ids of every output, its instruction and its model, and the counts of STYLE.

    Outputs are only ever appended: what was counted is kept as long as the database is open.
    """
    kept = _KEPT.setdefault(connection.engine, {})
    before = kept.get(benchmark_id, np.empty((0, 3 + len(STYLE)), dtype=np.int32))
    o = t.outputs.c
    newer = (
        sa.select(o.id, o.instruction_id, o.model_id, o.text)
        .where(o.instruction_id.in_(_of(benchmark_id)), o.id > int(before[:, 0].max(initial=0)))
        .execution_options(yield_per=1000)
    )
    parts = [
        np.array([(*row[:3], *_STYLE_OF(count_style(row.text))) for row in rows], dtype=np.int32)
        for rows in connection.execute(newer).partitions()
    ]
    kept[benchmark_id] = np.concatenate([before, *parts])
    return kept[benchmark_id]


def _places(ids: Sequence[int], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where each of ``wanted`` stands in ``ids``; their number where it does not."""
    places = np.full(max(max(ids, default=0), int(wanted.max(initial=0))) + 1, len(ids))
    places[ids] = np.arange(len(ids))
    return places[wanted]


def _of(benchmark_id: int) -> sa.Select[tuple[int]]:
    i = t.instructions.c
    return sa.select(i.id).where(i.benchmark_id == benchmark_id)


@dataclass(frozen=True, slots=True)
class StoredScores:
    """Scores as arrays, and what could not be in them."""

    table: ScoreTable
    templates: tuple[str, ...]  # that the scores were asked for with: more than one, and they share no scale
    left_out: Mapping[Status, int]  # readings without a score, by status


def score_table(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> StoredScores:
    """The benchmark's pointwise verdicts in force, of ``judges`` (all where empty), of one category or all."""
    i, o, j = t.instructions.c, t.outputs.c, t.judges.c
    within = [i.benchmark_id == benchmark, _v.output_b_id.is_(None), IN_FORCE]
    within += [j.name.in_(judges)] if judges else []
    within += [] if category is None else [i.category == category]
    joined = (
        sa.join(t.verdicts, t.instructions, i.id == _v.instruction_id)
        .join(t.outputs, o.id == _v.output_a_id)
        .join(t.models, t.models.c.id == o.model_id)
        .join(t.judges, j.id == _v.judge_id)
    )
    columns = (t.models.c.name, i.key, j.name, j.template, o.length_chars, _v.score)
    scored = sa.select(*columns).select_from(joined).where(*within, _v.score.is_not(None)).order_by(_v.id)
    rows = connection.execute(scored).all()
    failed = sa.select(_v.status, sa.func.count()).select_from(joined).where(*within, _v.score.is_(None))
    models, model = encode([row[0] for row in rows])
    instructions, instruction = encode([row[1] for row in rows])
    names, judge = encode([row[2] for row in rows])
    score = np.array([row[5] for row in rows], dtype=np.float64)
    length = np.array([row[4] for row in rows], dtype=np.int32)
    return StoredScores(
        ScoreTable(models, instructions, names, model, instruction, judge, score, length),
        tuple(sorted({row[3] for row in rows})),
        {Status(status): count for status, count in connection.execute(failed.group_by(_v.status))},
    )
