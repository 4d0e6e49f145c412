"""Models, their lineages, their outputs, and how those were collected that were not submitted.

Outputs are never replaced: storing the same one again is nothing, another one raises Conflict.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa

from judgebench.conversations import decoded_trajectory, encoded_trajectory, held_files
from judgebench.errors import Conflict, UnknownName
from judgebench.records import UNTOLD, Answer, Lineage, Model, Output, Status
from judgebench.spec.addresses import place_of
from judgebench.stats.text_features import STYLE, count_style
from judgebench.store import blobs, events
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import OUTPUT_COLUMNS, STAGE, instruction_ids, output_of, within
from judgebench.store.blocks import number_columns
from judgebench.store.columns import shared
from judgebench.store.database import Stored, bulk_insert, insert, next_ids, now

OF_AUDITS = ("null:", STAGE)  # how the names of models begin that audits enter; lists leave them out
OUTPUT_A, OUTPUT_B = (shared(t.outputs.alias(name)) for name in ("output_a", "output_b"))
MODEL_A, MODEL_B = (shared(t.models.alias(name)) for name in ("model_of_a", "model_of_b"))


def join_sides(query: sa.Select[Any], table: sa.FromClause, *, pointwise: bool = False) -> sa.Select[Any]:
    """``query`` with both outputs of each row of ``table``, and their models.

    ``pointwise``: rows with one output stay, and lack the second.
    """
    return (
        query.join(OUTPUT_A, OUTPUT_A.c.id == table.c.output_a_id)
        .join(OUTPUT_B, OUTPUT_B.c.id == table.c.output_b_id, isouter=pointwise)
        .join(MODEL_A, MODEL_A.c.id == OUTPUT_A.c.model_id)
        .join(MODEL_B, MODEL_B.c.id == OUTPUT_B.c.model_id, isouter=pointwise)
    )


def models(connection: sa.Connection) -> list[Model]:
    """All that are known by name, LLMs of judges included where their lineage was declared."""
    rows = connection.execute(sa.select(t.models).order_by(t.models.c.name))
    return [Model(row.name, Lineage(row.family, row.parent, tuple(json.loads(row.trained_on)))) for row in rows]


@dataclass(frozen=True, slots=True)
class Answered:
    """How far a model answered some instructions."""

    instructions: int  # with an output
    fewest: int  # outputs to one of these
    most: int


def answered(
    connection: sa.Connection, benchmark: int, *, category: str | None = None, keys: Sequence[str] | None = None
) -> dict[str, Answered]:
    """By name, of every model with an output to the benchmark's instructions, of a category or with these keys."""
    i, o, m = t.instructions.c, t.outputs.c, t.models.c
    ids = {row.key: row.id for row in connection.execute(sa.select(i.id, i.key).where(within(benchmark, category)))}
    of_benchmark = o.instruction_id.in_(sa.select(i.id).where(within(benchmark, category)))
    query = sa.select(o.instruction_id, o.model_id).where(of_benchmark)
    instruction, model = number_columns(connection, query, [np.dtype(np.int64)] * 2)
    if keys is not None:
        inside = np.isin(instruction, [ids[key] for key in keys if key in ids])
        instruction, model = instruction[inside], model[inside]
    models, code = np.unique(model, return_inverse=True)
    cells, outputs = np.unique(instruction * len(models) + code, return_counts=True)
    by = cells % len(models)
    fewest, most = np.full(len(models), len(instruction)), np.zeros(len(models), dtype=np.int64)
    np.minimum.at(fewest, by, outputs)
    np.maximum.at(most, by, outputs)
    names = {row.id: row.name for row in connection.execute(sa.select(m.id, m.name))}
    numbers = zip(models.tolist(), np.bincount(by).tolist(), fewest.tolist(), most.tolist(), strict=True)
    return dict(sorted((names[model_id], Answered(*counted)) for model_id, *counted in numbers))


def outputs_to(connection: sa.Connection, benchmark: int, keys: Sequence[str]) -> dict[str, dict[str, Output]]:
    """Every model's outputs to the instructions with these keys, by model and key; of several samples the first."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(i.key, t.models.c.name, *(o[name] for name in OUTPUT_COLUMNS))
        .join(t.outputs, o.model_id == t.models.c.id)
        .join(t.instructions, i.id == o.instruction_id)
        .where(i.benchmark_id == benchmark, among(i.key))
        .order_by(o.sample, o.id)
    )
    outputs: dict[str, dict[str, Output]] = {}
    for row in rows_among(connection, query, keys):
        output = output_of(*row)
        outputs.setdefault(output.model, {}).setdefault(output.instruction, output)
    return outputs


def beyond_text(connection: sa.Connection, benchmark: int) -> int:
    """How many outputs to the benchmark hold more than texts, such as calls of tools or files."""
    o = t.outputs.c
    of_benchmark = o.instruction_id.in_(
        sa.select(t.instructions.c.id).where(t.instructions.c.benchmark_id == benchmark)
    )
    query = sa.select(o.messages).where(of_benchmark, o.messages.is_not(None)).execution_options(yield_per=1000)
    return sum(not decoded_trajectory(row.messages).plain for row in connection.execute(query))


def untold(connection: sa.Connection, benchmark: int, models: Sequence[str]) -> int:
    """How many outputs of these models to the benchmark are known by their names alone."""
    o, i = t.outputs.c, t.instructions.c
    kind = json.dumps({"kind": UNTOLD}, separators=(",", ":"))[1:-1]
    query = (
        sa.select(sa.func.count())
        .select_from(
            t.outputs.join(t.instructions, i.id == o.instruction_id).join(t.models, t.models.c.id == o.model_id)
        )
        .where(i.benchmark_id == benchmark, t.models.c.name.in_(models), o.text == "", o.messages.contains(kind))
    )
    return connection.scalar(query) or 0


def check_model(connection: sa.Connection, name: str) -> None:
    """Raises UnknownName."""
    names = list(connection.scalars(sa.select(t.models.c.name)))
    if name not in names:
        raise UnknownName("model", name, [known for known in names if not known.startswith(OF_AUDITS)])


def add_model(connection: sa.Connection, model: Model) -> int:
    """The model's id. A lineage declared later fills what was not declared before.

    Raises Conflict when it contradicts the lineage declared before.
    """
    row = connection.execute(sa.select(t.models).where(t.models.c.name == model.name)).one_or_none()
    if row is None:
        return insert(connection, t.models, name=model.name, **_lineage_row(model.lineage))
    declared = _declared(model.lineage)
    for key, value in declared.items():
        stored = row._mapping[key]
        if stored not in (None, "[]", value):
            raise Conflict(f"model {model.name!r} is stored with {key} {stored!r}, not {value!r}: nothing was changed")
    if declared:
        connection.execute(sa.update(t.models).where(t.models.c.id == row.id).values(**declared))
    return int(row.id)


def declares(lineage: Lineage, stored: Lineage) -> bool:
    """Whether ``add_model`` with this lineage would change the stored one, or raise for it."""
    return not _declared(lineage).items() <= _lineage_row(stored).items()


def places_of(connection: sa.Connection, benchmark_id: int, model: str) -> set[tuple[str, int]]:
    """Key and sample of each of the model's outputs to the benchmark."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(i.key, o.sample)
        .join(t.outputs, o.instruction_id == i.id)
        .join(t.models, t.models.c.id == o.model_id)
        .where(i.benchmark_id == benchmark_id, t.models.c.name == model)
    )
    return {(row.key, row.sample) for row in connection.execute(query)}


def add_outputs(connection: sa.Connection, benchmark_id: int, outputs: Sequence[Output]) -> Stored:
    """Store outputs of known models to known instructions. Files that they hold come before them.

    Raises Conflict when a model has another output to one of the instructions already; then nothing is stored.
    """
    instructions = instruction_ids(connection, benchmark_id, list({output.instruction: None for output in outputs}))
    models = _model_ids(connection, {output.model for output in outputs})
    stored = _stored(connection, list(instructions.values()), set(models.values()))
    new = []
    for output in outputs:
        identity = (instructions[output.instruction], models[output.model], output.sample)
        if identity in stored:
            _check_same(output, stored[identity])
            continue
        stored[identity] = output
        new.append((*identity[:2], output))
    add_new_outputs(connection, new)
    return Stored(len(new), len(outputs) - len(new))


def add_new_outputs(connection: sa.Connection, new: Sequence[tuple[int, int, Output]]) -> Sequence[int]:
    """The ids of outputs that are not stored, each with the ids of its instruction and its model."""
    ids = next_ids(connection, t.outputs, len(new))
    in_order = itemgetter(*(column.name for column in t.outputs.columns))
    values = ({"id": at} | _output_row(output, *places) for at, (*places, output) in zip(ids, new, strict=True))
    bulk_insert(connection, t.outputs, [in_order(row) for row in values])
    blobs.use(
        connection,
        [
            (digest, instruction_id, at)
            for at, (instruction_id, _, output) in zip(ids, new, strict=True)
            if output.trajectory is not None
            for digest in held_files(output.trajectory.messages)
        ],
    )
    return ids


def _model_ids(connection: sa.Connection, names: Iterable[str]) -> dict[str, int]:
    m = t.models.c
    rows = connection.execute(sa.select(m.name, m.id).where(m.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def _stored(
    connection: sa.Connection, instruction_ids: Sequence[int], model_ids: set[int]
) -> dict[tuple[int, int, int], Output]:
    """Each of the models' outputs to the instructions, by the ids of instruction and model and the sample."""
    o = t.outputs.c
    query = sa.select(o.instruction_id, o.model_id, *(o[name] for name in OUTPUT_COLUMNS)).where(
        among(o.instruction_id), o.model_id.in_(sorted(model_ids))
    )
    rows = rows_among(connection, query, instruction_ids)
    return {(row[0], row[1], row.sample): output_of("", "", *row[2:]) for row in rows}


def samples_to(connection: sa.Connection, benchmark_id: int, keys: Sequence[str]) -> Iterator[tuple[str, int, Output]]:
    """Every output to the instructions with these keys: the key, the output's id and the output."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(i.key, o.id, t.models.c.name, *(o[name] for name in OUTPUT_COLUMNS))
        .join(t.outputs, o.instruction_id == i.id)
        .join(t.models, t.models.c.id == o.model_id)
        .where(i.benchmark_id == benchmark_id, among(i.key))
        .order_by(t.models.c.name, o.sample)
    )
    for key, place, name, *values in rows_among(connection, query, keys):
        yield key, place, output_of(key, name, *values)


def count_style_again(connection: sa.Connection, after: int, most: int) -> int | None:
    """Count the style of at most ``most`` outputs that were stored before it was, behind the id ``after``.

    The id of the last of them; None where there is none.
    """
    o = t.outputs.c
    query = sa.select(o.id, *(o[name] for name in OUTPUT_COLUMNS)).where(o.headers.is_(None), o.id > after)
    counted = {
        row.id: count_style(output_of("", "", *row[1:]).whole)
        for row in connection.execute(query.order_by(o.id).limit(most))
    }
    if not counted:
        return None
    rows = [
        {"counted": row_id, **{feature: getattr(style, feature) for feature in STYLE}}
        for row_id, style in counted.items()
    ]
    connection.execute(sa.update(t.outputs).where(o.id == sa.bindparam("counted")), rows)
    return int(max(counted))


def _output_row(output: Output, instruction_id: int, model_id: int) -> dict[str, Any]:
    style = count_style(output.whole)
    return {
        "instruction_id": instruction_id,
        "model_id": model_id,
        "text": output.text,
        "length_chars": style.length_chars,
        "earlier": json.dumps(output.earlier, ensure_ascii=False) if output.earlier else None,
        "sample": output.sample,
        **{feature: getattr(style, feature) for feature in STYLE},
        "messages": None if output.trajectory is None else encoded_trajectory(output.trajectory),
        "steps": json.dumps(output.steps) if output.steps else None,
        "afterwards": output.afterwards,
    }


def _check_same(output: Output, known: Output) -> None:
    alike = (output.text, output.earlier, output.trajectory) == (known.text, known.earlier, known.trajectory)
    if not alike and output.digest != known.digest:
        raise Conflict(
            f"model {output.model!r} is stored with another output to an instruction of this submission "
            f"(stored: {known.whole[:60]!r}, submitted: {output.whole[:60]!r}): stored outputs are never replaced, "
            "submit the new ones under another model name"
        )


def _lineage_row(lineage: Lineage) -> dict[str, Any]:
    return {
        "family": lineage.family,
        "parent": lineage.parent,
        "trained_on": json.dumps(lineage.trained_on, ensure_ascii=False),
    }


def _declared(lineage: Lineage) -> dict[str, Any]:
    return {key: value for key, value in _lineage_row(lineage).items() if value not in (None, "[]")}


def lineages(connection: sa.Connection) -> dict[str, Lineage]:
    """What was declared, by the name of the model; of LLMs of judges as well, where it was declared."""
    return {model.name: model.lineage for model in models(connection)}


def mean_lengths(connection: sa.Connection, benchmark: int, *, category: str | None = None) -> dict[str, float]:
    """Characters of an output, the mean over all of a model's to the benchmark, by its name."""
    o = t.outputs.c
    query = (
        sa.select(t.models.c.name, sa.func.avg(o.length_chars))
        .join(t.outputs, o.model_id == t.models.c.id)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(within(benchmark, category))
        .group_by(t.models.c.name)
    )
    return {name: float(mean) for name, mean in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Sums:
    """Of a feature over a model's outputs."""

    number: int  # of outputs of which it is known
    total: float
    squares: float


def style_sums(connection: sa.Connection, benchmark: int, *, category: str | None = None) -> dict[str, dict[str, Sums]]:
    """By the model's name, then by feature: characters as "length", and the features of STYLE."""
    o = t.outputs.c
    columns = {"length": o.length_chars, **{feature: o[feature] for feature in STYLE}}
    exact = [sa.cast(column, sa.Float(53)) for column in columns.values()]
    query = (
        sa.select(t.models.c.name, *(of(column) for column in exact for of in (sa.func.count, sa.func.sum, _squares)))
        .join(t.outputs, o.model_id == t.models.c.id)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(within(benchmark, category))
        .group_by(t.models.c.name)
    )
    return {
        name: {
            feature: Sums(int(number), float(total or 0.0), float(squares or 0.0))
            for feature, number, total, squares in zip(columns, sums[::3], sums[1::3], sums[2::3], strict=True)
        }
        for name, *sums in connection.execute(query)
    }


def _squares(column: sa.ColumnElement[float]) -> sa.ColumnElement[float]:
    return sa.func.sum(column * column)


def heirs(connection: sa.Connection, name: str) -> list[str]:
    """Those that name it as their parent or teacher."""
    declared = lineages(connection).items()
    return [heir for heir, lineage in declared if name in (lineage.parent, *lineage.trained_on)]


@dataclass(frozen=True, slots=True)
class Generator:
    """How a model is asked for its outputs."""

    served_model: str  # the name its server knows it by
    system: str | None
    settings: Mapping[str, Any]


def add_generator(connection: sa.Connection, model_id: int, model: str, generator: Generator) -> int:
    """The generator's id.

    Raises Conflict when the model has outputs that were submitted, or was asked in another way.
    """
    g = t.generators.c
    fields = {
        "served_model": generator.served_model,
        "system": generator.system,
        "settings": json.dumps(dict(generator.settings), sort_keys=True),
    }
    row = connection.execute(sa.select(t.generators).where(g.model_id == model_id)).one_or_none()
    if row is None:
        if connection.scalar(sa.select(t.outputs.c.id).where(t.outputs.c.model_id == model_id).limit(1)) is not None:
            raise Conflict(f"model {model!r} has outputs that were submitted: choose another name by --model-name")
        return insert(connection, t.generators, model_id=model_id, created_at=now(), **fields)
    known = {name: row._mapping[name] for name in fields}
    if known != fields:
        raise Conflict(
            f"model {model!r} was asked with {known}, not {fields}: another way of asking is another model, choose "
            "another name by --model-name"
        )
    return int(row.id)


def generators(connection: sa.Connection) -> dict[str, Generator]:
    """How the models were asked whose outputs we collected, by the name of the model."""
    g = t.generators.c
    query = sa.select(t.models.c.name, g.served_model, g.system, g.settings).join(t.models, t.models.c.id == g.model_id)
    rows = connection.execute(query)
    return {row.name: Generator(row.served_model, row.system, json.loads(row.settings)) for row in rows}


def generator_addresses(connection: sa.Connection, model: str) -> tuple[str, ...]:
    """Where the model was asked for outputs that are stored, the oldest first; none where that is not known."""
    a, g = t.generator_addresses.c, t.generators.c
    query = sa.select(a.url).join(t.generators, a.generator_id == g.id).join(t.models, t.models.c.id == g.model_id)
    query = query.where(t.models.c.name == model).order_by(a.id)
    return tuple(connection.scalars(query))


def add_generator_addresses(connection: sa.Connection, generator_id: int, urls: Iterable[str]) -> None:
    """Remember where a model was asked, each place once, beside those that were known before."""
    a = t.generator_addresses.c
    known = set(map(place_of, connection.scalars(sa.select(a.url).where(a.generator_id == generator_id))))
    for place, url in {place_of(url): url for url in urls}.items():
        if place not in known:
            insert(connection, t.generator_addresses, generator_id=generator_id, url=url)


class AnswerWriter:
    """Appends the outputs of one model to one benchmark's instructions."""

    def __init__(self, connection: sa.Connection, benchmark_id: int, model_id: int, generator_id: int) -> None:
        self._seen = events.newest(connection)
        self._benchmark_id = benchmark_id
        self._model_id = model_id
        self.generator_id = generator_id
        self._names = self._stored_names(connection)

    def _stored_names(self, connection: sa.Connection) -> Sequence[Any] | None:
        """Of the model and the benchmark, and since when each is; None where one of them is gone. Ids and names alone
        may be another's by then."""
        m, b, g = t.models.c, t.benchmarks.c, t.generators.c
        model = sa.select(m.name, g.created_at).join(t.generators, g.model_id == m.id)
        benchmark = sa.select(b.name, b.created_at).where(b.id == self._benchmark_id)
        asked_for = connection.execute(model.where(m.id == self._model_id, g.id == self.generator_id)).one_or_none()
        asked_about = connection.execute(benchmark).one_or_none()
        return None if asked_for is None or asked_about is None else (*asked_for, *asked_about)

    def _check(self, connection: sa.Connection) -> None:
        last = events.changed(connection, self._seen)
        if last is not None and self._stored_names(connection) != self._names:
            raise Conflict(
                "the model or the benchmark was deleted or renamed while the model was asked: what was stored before "
                "stays, start it again"
            )
        self._seen = last or self._seen

    def known(self, connection: sa.Connection, keys: Sequence[str]) -> dict[str, Status]:
        """How those of the instructions ended that have an output of the model."""
        i, o = t.instructions.c, t.outputs.c
        query = (
            sa.select(i.key, t.answers.c.status)
            .join(t.outputs, o.instruction_id == i.id)
            .outerjoin(t.answers, t.answers.c.id == o.id)
            .where(i.benchmark_id == self._benchmark_id, o.model_id == self._model_id, among(i.key))
        )
        return {row.key: Status(row.status or Status.OK) for row in rows_among(connection, query, keys)}

    def add(self, connection: sa.Connection, answers: Iterable[Answer]) -> None:
        """Store the answers that have an output; an instruction that has one already keeps it.

        Raises Conflict once the model or the benchmark was deleted or renamed meanwhile.
        """
        self._check(connection)
        new = {answer.output.instruction: (answer.output, answer) for answer in answers if answer.output is not None}
        for key in self.known(connection, list(new)):
            del new[key]
        ids = instruction_ids(connection, self._benchmark_id, list(new))
        written = now()
        for key, (output, answer) in new.items():
            output_id = insert(connection, t.outputs, **_output_row(output, ids[key], self._model_id))
            connection.execute(sa.insert(t.answers).values(id=output_id, **self._about(answer), created_at=written))

    def _about(self, answer: Answer) -> dict[str, Any]:
        reply = answer.completion
        names = ("finish_reason", "model", "prompt_tokens", "completion_tokens", "cost_usd", "latency_s")
        about = {name: getattr(reply, name, None) for name in names}
        return {"generator_id": self.generator_id, "status": str(answer.status), **about}
