"""What goes when a benchmark, a model, a judge or a run is deleted: all rows that belong to it, and no others.

Whatever refers to a row that goes, goes with it, in every table that the schema has; _SETTINGS lists what is emptied
instead. Beside these go what nothing would be left of: models whose every output went, runs whose every verdict did,
judges that were only imported, the stages of audits, files that nobody holds. A reply that another benchmark has taken
over stays, with the first verdict that has it.

Ids of verdicts are not given anew; how many belong to none from then on is part of the event.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import UnknownName
from judgebench.records import Status
from judgebench.store import blocks, claims, events
from judgebench.store import schema as t
from judgebench.store.benchmarks import STAGE, begins, stages_of
from judgebench.store.database import row_id
from judgebench.store.jobs import OPEN
from judgebench.store.verdicts import any_revised

_FEW = 10  # rows, whose references are found without an index
_PAGE = 500
_SETTINGS = {("standing_boards", "judge_id"), ("standing_boards", "baseline_id")}
_REPLIES = ("verdicts", "completion_id")  # a completion goes with the verdict that came with it
_PARENTS = {key.column.table.name for table in t.metadata.sorted_tables for key in table.foreign_keys}
# Tables whose rows that go are listed by id: those that others refer to, and what goes by more than its references.
_LISTED = [table for table in t.metadata.sorted_tables if table.name in _PARENTS | {"audits", "jobs"}]
_LISTS = {
    table.name: sa.Table(
        f"going_{table.name}",
        sa.MetaData(),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        prefixes=["TEMPORARY"],
    )
    for table in _LISTED
}
_MOVED = sa.Table(
    "moved_replies",
    sa.MetaData(),
    sa.Column("old", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("new", sa.BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
_COUNT = (Status.OK, Status.TIE)
_i, _o, _m, _r, _v = t.instructions.c, t.outputs.c, t.models.c, t.runs.c, t.verdicts.c


@dataclass(frozen=True, slots=True)
class Loss:
    """What a benchmark's rankings lose."""

    benchmark: str
    models: int  # that no longer have an output
    of_models: int
    verdicts: int  # that count: in force, and with a preference or score
    of_verdicts: int


def place(connection: sa.Connection, kind: str, name: str) -> int:
    """The id of a benchmark, model or judge of this name, or of the run of this number. Raises UnknownName."""
    if kind != "run":
        return row_id(connection, t.metadata.tables[f"{kind}s"], kind, name)
    numbers = {str(number): int(number) for number in connection.scalars(sa.select(_r.id).order_by(_r.id.desc()))}
    if name not in numbers:
        raise UnknownName("run", name, numbers)
    return numbers[name]


class Going:
    """The rows that go with some, listed in temporary tables until the connection's transaction ends."""

    def __init__(self, connection: sa.Connection, kind: str, row: int) -> None:
        """``kind``: "benchmark", "model", "judge" or "run"; ``row``: its id."""
        self._connection = connection
        self._model = row if kind == "model" else None
        if connection.dialect.name != "sqlite":  # lists of a million ids are looked up in tables of hashes
            connection.execute(sa.text("SET LOCAL work_mem = '128MB'"))
        for table in _LISTS.values():
            _create(connection, table)
        self._add(f"{kind}s", sa.select(sa.literal(row)))
        if kind == "benchmark":
            name = connection.execute(sa.select(t.benchmarks.c.name).where(t.benchmarks.c.id == row)).scalar_one()
            for stage in stages_of(connection, name):
                self._add("benchmarks", sa.select(sa.literal(stage)))
        while self._follow() + self._add_remains():
            pass
        held = t.blob_uses.c.blob_id
        still = sa.select(held).where(self._stays(t.blob_uses))
        self._add("blobs", sa.select(held).where(self.goes(t.blob_uses), held.not_in(still)))

    def goes(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Whether a row of the table goes; null where it does not, and a reference of it is null."""
        if table is t.completions:
            return t.completions.c.id.in_(self._list("verdicts"))
        if table.name in _LISTS:
            (key,) = table.primary_key.columns
            return key.in_(self._list(table.name))
        return self._refers(table)

    def _stays(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.not_(sa.func.coalesce(self.goes(table), sa.false()))

    def _refers(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Whether a row refers to one that goes, and not as a mere setting."""
        references = [
            column.in_(self._list(key.column.table.name))
            for column in table.columns
            for key in column.foreign_keys
            if (table.name, column.name) not in _SETTINGS | {_REPLIES}
        ]
        return sa.or_(sa.false(), *references)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows go, by table, where any does."""
        counted = {
            table.name: self._connection.scalar(sa.select(sa.func.count()).select_from(table).where(self.goes(table)))
            for table in t.metadata.sorted_tables
        }
        return {name: count for name, count in counted.items() if count}

    @property
    def losses(self) -> list[Loss]:
        """Of the benchmarks that stay and lose outputs or verdicts, by name; without the stages of audits."""
        name = t.benchmarks.c.name
        answering = _by_benchmark(sa.select(name, sa.func.count(_o.model_id.distinct())), t.outputs)
        stays = self._stays(t.benchmarks) & sa.not_(begins(name, STAGE))
        answering = answering.where(stays)
        models, left = self._pairs(answering), self._pairs(answering.where(self._stays(t.outputs)))
        every, kept = self._counting(stays, without_these=False), self._counting(stays, without_these=True)
        losses = (
            Loss(benchmark, count - left.get(benchmark, 0), count, lost, every.get(benchmark, 0))
            for benchmark, count in sorted(models.items())
            # An earlier reading that comes back may count where the one that goes did not.
            for lost in [max(0, every.get(benchmark, 0) - kept.get(benchmark, 0))]
        )
        return [loss for loss in losses if loss.models or loss.verdicts]

    @property
    def benchmarks(self) -> list[int]:
        """The ids of those that stay and lose verdicts, or outputs."""
        of = [
            sa.select(_i.benchmark_id).join(table, table.c.instruction_id == _i.id).where(self.goes(table))
            for table in (t.verdicts, t.outputs)
        ]
        stays = self._stays(t.benchmarks)
        lose = sa.select(t.benchmarks.c.id).where(stays, t.benchmarks.c.id.in_(sa.union(*of)))
        return sorted(self._connection.scalars(lose))

    @property
    def in_use(self) -> str | None:
        """Until when a run that goes on now holds what goes; None where none does."""
        about = sa.select(_i.benchmark_id).join(t.outputs, _o.instruction_id == _i.id).where(self.goes(t.outputs))
        touched = sa.select(_r.id).where(_r.id.in_(self._list("runs")) | _r.benchmark_id.in_(about))
        lease, moment = t.metadata.tables["claims"].c, claims.now(self._connection)
        held = lease.run_id.in_(touched) & (lease.expires_at > moment)
        until: str | None = self._connection.scalar(sa.select(sa.func.max(lease.expires_at)).where(held))
        return until

    @property
    def open_jobs(self) -> list[int]:
        """The numbers of jobs that are queued or running and name some of what goes."""
        query = sa.select(t.jobs.c.id).where(self.goes(t.jobs), t.jobs.c.state.in_(OPEN)).order_by(t.jobs.c.id)
        return list(self._connection.scalars(query))

    def delete(self) -> int:
        """Delete them, in the connection's write transaction; returns how many ids of verdicts belong to none now."""
        connection = self._connection
        before = _unused_ids(connection)
        if connection.dialect.name == "sqlite":  # what goes is written over at once
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        self._hand_on_replies()
        for name, column in sorted(_SETTINGS):
            setting = t.metadata.tables[name].c[column]
            (key,) = setting.foreign_keys
            gone = setting.in_(self._list(key.column.table.name))
            connection.execute(sa.update(setting.table).where(gone).values({column: None}))
        for table in reversed(t.metadata.sorted_tables):
            self._delete_from(table)
        _close_revisions(connection)
        blocks.reseal(connection)
        self.forget()
        return events.missing_ids(connection) + _unused_ids(connection) - before

    def forget(self) -> None:
        """Drop the lists before the transaction ends."""
        for listed in _LISTS.values():
            self._connection.execute(sa.schema.DropTable(listed))

    def _counting(self, stays: sa.ColumnElement[bool], *, without_these: bool) -> dict[str, int]:
        """How many verdicts count by benchmark, as all stand now or once these are gone, when earlier readings and
        answers of a trial are in force again."""
        later = t.verdicts.alias("later")
        follows = (later.c.trial_key == _v.trial_key) & (later.c.instruction_id == _v.instruction_id)
        # Revisions above 0 are few, and in a small index.
        follows &= (later.c.revision > sa.literal_column("0")) & (later.c.revision > _v.revision)
        query = _by_benchmark(sa.select(t.benchmarks.c.name, sa.func.count()), t.verdicts)
        if without_these:
            follows &= later.c.id.not_in(self._list("verdicts"))
            query = query.where(_v.id.not_in(self._list("verdicts")))
        query = query.where(stays, _v.status.in_(_COUNT))
        if any_revised(self._connection):
            query = query.where(~sa.exists().where(follows))
        return self._pairs(query)

    def _list(self, name: str) -> sa.Select[Any]:
        return sa.select(_LISTS[name].c.id)

    def _add(self, name: str, ids: sa.Select[Any]) -> int:
        """List rows of a table; returns how many were not listed."""
        rows = ids.subquery()
        new = sa.select(rows.c[0]).where(rows.c[0].not_in(self._list(name))).distinct()
        adding = sa.insert(_LISTS[name]).from_select(["id"], new).execution_options(preserve_rowcount=True)
        return self._connection.execute(adding).rowcount

    def _pairs(self, query: sa.Select[Any]) -> dict[str, int]:
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def _follow(self) -> int:
        """List what refers to what is listed; returns how many rows came."""
        return sum(
            self._add(table.name, sa.select(*table.primary_key.columns).where(self._refers(table)))
            for table in _LISTED
            if table.foreign_keys
        )

    def _add_remains(self) -> int:
        """List what nothing would be left of; returns how many rows came."""
        new = self._add_left("models", t.outputs, "model_id", sa.not_(self._is_named()))
        questions = sa.select(t.batches.c.run_id).join(t.batch_trials, t.batch_trials.c.batch_id == t.batches.c.id)
        new += self._add_left("runs", t.verdicts, "run_id", _r.id.not_in(questions.where(self._stays(t.batch_trials))))
        reached = sa.select(t.judge_addresses.c.judge_id)
        new += self._add_left("judges", t.runs, "judge_id", t.judges.c.id.not_in(reached))
        return new + self._add_stages() + self._add_audits() + self._add_jobs()

    def _add_left(self, name: str, by: sa.Table, column: str, may: sa.ColumnElement[bool]) -> int:
        """Rows that may go, because some of what refers to them by the column goes and the rest of it does too."""
        key = t.metadata.tables[name].c.id
        went = sa.select(by.c[column]).where(self.goes(by))
        stays = sa.select(by.c[column]).where(self._stays(by))
        return self._add(name, sa.select(key).where(key.in_(went), key.not_in(stays), may))

    def _is_named(self) -> sa.ColumnElement[bool]:
        """Whether a model's lineage was declared, and a judge or a model that stays descends from it."""
        stay = sa.select(_m.parent, _m.trained_on).where(self._stays(t.models))
        told = stay.where(_m.parent.is_not(None) | (_m.trained_on != "[]"))
        relatives = {name for row in self._connection.execute(told) for name in (row[0], *json.loads(row[1])) if name}
        llms = sa.select(t.judges.c.model).where(self._stays(t.judges))
        declared = _m.family.is_not(None) | _m.parent.is_not(None) | (_m.trained_on != "[]")
        return declared & (_m.name.in_(llms) | _m.name.in_(sorted(relatives)))

    def _add_stages(self) -> int:
        """Stages that hold a text of an output that goes, under whichever name, or that no run is left on."""
        b, theirs, entered = t.benchmarks.c, t.outputs.alias("theirs"), t.outputs.alias("entered")
        on_stage = sa.select(b.id).where(begins(b.name, STAGE))
        texts = sa.select(theirs.c.text).where(theirs.c.id.in_(self._list("outputs")), theirs.c.text != "")
        holding = (
            sa.select(_i.benchmark_id)
            .join(entered, entered.c.instruction_id == _i.id)
            .where(_i.benchmark_id.in_(on_stage), entered.c.text.in_(texts))
        )
        left = sa.select(_r.benchmark_id).where(_r.id.not_in(self._list("runs")))
        went = sa.select(_r.benchmark_id).where(_r.id.in_(self._list("runs")))
        return self._add("benchmarks", on_stage.where(b.id.in_(holding) | (b.id.in_(went) & b.id.not_in(left))))

    def _add_audits(self) -> int:
        """Those of the judges and models that go; of verdicts, where some go; and whatever names one of the models."""
        a, connection = t.audits.c, self._connection
        digests = sa.select(t.judges.c.digest).where(t.judges.c.id.in_(self._list("judges")))
        touched = sa.select(_i.benchmark_id).join(t.verdicts, _v.instruction_id == _i.id)
        touched = touched.where(_v.id.in_(self._list("verdicts")))
        of_verdicts = a.judge_digest.is_(None) & a.model_id.is_(None) & a.benchmark_id.in_(touched)
        new = self._add("audits", sa.select(a.id).where(a.judge_digest.in_(digests) | of_verdicts))
        if self._model is None:
            return new
        name = connection.scalar(sa.select(_m.name).where(_m.id == self._model)) or ""
        answered = sa.select(_i.benchmark_id).join(t.outputs, _o.instruction_id == _i.id)
        near = sa.select(a.id, a.document).where(a.benchmark_id.in_(answered.where(_o.model_id == self._model)))
        rows = connection.execute(near.execution_options(yield_per=_PAGE))
        naming = [row.id for row in rows if names(json.loads(row.document), name)]
        return new + sum(self._add("audits", sa.select(a.id).where(a.id == place)) for place in naming)

    def _add_jobs(self) -> int:
        """Those that ask the judges that go; and whatever names the model."""
        j, connection = t.jobs.c, self._connection
        judges = sa.select(t.judges.c.name).where(t.judges.c.id.in_(self._list("judges")))
        asking = (j.kind != "answer") & (j.subject != "") & j.subject.in_(judges)
        new = self._add("jobs", sa.select(j.id).where(asking))
        if self._model is None:
            return new
        name = connection.scalar(sa.select(_m.name).where(_m.id == self._model)) or ""
        rows = connection.execute(sa.select(j.id, j.kind, j.subject, j.specification, j.report))
        naming = [
            row.id
            for row in rows
            if (row.kind == "answer" and row.subject == name)
            or any(names(json.loads(document), name) for document in (row.specification, row.report) if document)
        ]
        return new + sum(self._add("jobs", sa.select(j.id).where(j.id == place)) for place in naming)

    def _hand_on_replies(self) -> None:
        """Replies that verdicts which stay were read from get the id of the first of these."""
        c, connection = t.completions.c, self._connection
        stays = self._stays(t.verdicts) & _v.completion_id.in_(self._list("verdicts"))
        heirs = sa.select(_v.completion_id.label("old"), sa.func.min(_v.id).label("new")).where(stays)
        heirs = heirs.group_by(_v.completion_id)
        if connection.execute(heirs.limit(1)).first() is None:
            return
        moved = _MOVED.c
        _create(connection, _MOVED)
        connection.execute(sa.insert(_MOVED).from_select(["old", "new"], heirs))
        rest = [column for column in t.completions.columns if column is not c.id]
        copies = sa.select(moved.new, *rest).join(_MOVED, moved.old == c.id)
        connection.execute(sa.insert(t.completions).from_select(["id", *(column.name for column in rest)], copies))
        heir = sa.select(moved.new).where(moved.old == _v.completion_id).scalar_subquery()
        connection.execute(sa.update(t.verdicts).where(stays).values(completion_id=heir))
        connection.execute(sa.schema.DropTable(_MOVED))

    def _delete_from(self, table: sa.Table) -> None:
        """After all that refers to it: for many rows an index tells each engine that nothing does any more."""
        connection, where = self._connection, self.goes(table)
        going = connection.scalar(sa.select(sa.func.count()).select_from(table).where(where))
        if not going:
            return
        lacking = list(_unindexed(table)) if going > _FEW else []
        for number, column in enumerate(lacking):
            connection.execute(sa.text(f'CREATE INDEX going_{number} ON {column.table.name} ("{column.name}")'))
        connection.execute(sa.delete(table).where(where))
        for number in range(len(lacking)):
            connection.execute(sa.text(f"DROP INDEX going_{number}"))


def names(value: Any, name: str) -> bool:
    """Whether plain values, as those of an audit's document, speak of the name."""
    quoted = repr(name)[1:-1]  # as a sentence has it: a backslash is two there
    word = re.compile(rf"(?<![\w.-])(?:{re.escape(name)}|{re.escape(quoted)})(?![\w-])")
    return any(word.search(text) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from _texts(item)


def _create(connection: sa.Connection, table: sa.Table) -> None:
    """A temporary table, in place of one that an earlier transaction has left."""
    connection.execute(sa.schema.DropTable(table, if_exists=True))
    connection.execute(sa.schema.CreateTable(table))


def _unindexed(table: sa.Table) -> Iterator[sa.Column[Any]]:
    """The columns that refer to the table and that no index begins with."""
    for other in t.metadata.sorted_tables:
        keys: list[Any] = [key for key in other.constraints if isinstance(key, sa.UniqueConstraint)]
        whole = [index for index in other.indexes if index.dialect_options["sqlite"]["where"] is None]
        first = {next(iter(item.columns.keys())) for item in (other.primary_key, *keys, *whole)}
        for column in other.columns:
            if column.name not in first and any(key.column.table is table for key in column.foreign_keys):
                yield column


def _unused_ids(connection: sa.Connection) -> int:
    """How many ids below the newest belong to no verdict."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(_v.id), 0) - sa.func.count())).scalar_one())


def _close_revisions(connection: sa.Connection) -> None:
    """Have the revisions of each trial follow each other from 0 again."""
    earlier = t.verdicts.alias("earlier")
    revised = _v.revision > sa.literal_column("0")  # as the small index has it
    before = (
        sa.select(sa.func.count())
        .where(earlier.c.trial_key == _v.trial_key, earlier.c.instruction_id == _v.instruction_id)
        .where(earlier.c.revision < _v.revision)
        .correlate(t.verdicts)
        .scalar_subquery()
    )
    for revision in range(1, (connection.scalar(sa.select(sa.func.max(_v.revision)).where(revised)) or 0) + 1):
        chosen = sa.update(t.verdicts).where(_v.revision == revision, revised)
        connection.execute(chosen.values(revision=before))


def _by_benchmark(query: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    joined = query.select_from(table).join(t.instructions, _i.id == table.c.instruction_id)
    return joined.join(t.benchmarks, t.benchmarks.c.id == _i.benchmark_id).group_by(t.benchmarks.c.name)
