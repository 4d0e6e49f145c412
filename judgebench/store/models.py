"""Models, their lineages, their outputs, and how those were collected that were not submitted.

Outputs are never replaced: storing the same one again is nothing, another one raises Conflict.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.conversations import decoded_trajectory, encoded_trajectory, held_files
from judgebench.errors import Conflict, UnknownName
from judgebench.records import Answer, Lineage, Model, Output, Status
from judgebench.stats.text_features import STYLE, count_style
from judgebench.store import blobs
from judgebench.store import schema as t
from judgebench.store.benchmarks import OUTPUT_COLUMNS, STAGE, instruction_ids, output_of, within
from judgebench.store.database import AMONG, Stored, insert, now, rows_among

OF_AUDITS = ("null:", STAGE)  # how the names of models begin that audits enter; lists leave them out
OUTPUT_A, OUTPUT_B = t.outputs.alias("output_a"), t.outputs.alias("output_b")
MODEL_A, MODEL_B = t.models.alias("model_of_a"), t.models.alias("model_of_b")


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
    cell = (
        sa.select(o.instruction_id, o.model_id, sa.func.count().label("outputs"))
        .join(t.instructions, i.id == o.instruction_id)
        .group_by(o.instruction_id, o.model_id)
    )
    chosen = cell.where(within(benchmark, category))
    if keys is not None:
        cells = list(rows_among(connection, chosen.where(i.key.in_(AMONG)), keys))
        names = {row.id: row.name for row in connection.execute(sa.select(m.id, m.name))}
        counts: dict[str, list[int]] = {}
        for _, model_id, outputs in cells:
            counts.setdefault(names[model_id], []).append(outputs)
        return {name: Answered(len(mine), min(mine), max(mine)) for name, mine in sorted(counts.items())}
    cells_of = chosen.subquery().c
    numbers = (sa.func.count(), sa.func.min(cells_of.outputs), sa.func.max(cells_of.outputs))
    query = sa.select(m.name, *numbers).join(t.models, m.id == cells_of.model_id).group_by(m.name)
    return dict(sorted((name, Answered(*counted)) for name, *counted in connection.execute(query)))


def outputs_to(connection: sa.Connection, benchmark: int, keys: Sequence[str]) -> dict[str, dict[str, Output]]:
    """Every model's outputs to the instructions with these keys, by model and key; of several samples the first."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(i.key, t.models.c.name, *(o[name] for name in OUTPUT_COLUMNS))
        .join(t.outputs, o.model_id == t.models.c.id)
        .join(t.instructions, i.id == o.instruction_id)
        .where(i.benchmark_id == benchmark, i.key.in_(AMONG))
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
    declared = {key: value for key, value in _lineage_row(model.lineage).items() if value not in (None, "[]")}
    for key, value in declared.items():
        stored = row._mapping[key]
        if stored not in (None, "[]", value):
            raise Conflict(f"model {model.name!r} is stored with {key} {stored!r}, not {value!r}: nothing was changed")
    if declared:
        connection.execute(sa.update(t.models).where(t.models.c.id == row.id).values(**declared))
    return int(row.id)


def add_outputs(connection: sa.Connection, benchmark_id: int, outputs: Sequence[Output]) -> Stored:
    """Store outputs of known models to known instructions. Files that they hold come before them.

    Raises Conflict when a model has another output to one of the instructions already; then nothing is stored.
    """
    instructions = instruction_ids(connection, benchmark_id)
    models = _model_ids(connection, {output.model for output in outputs})
    stored = _stored(connection, benchmark_id, set(models.values()))
    rows, holding = [], {}
    for output in outputs:
        identity = (instructions[output.instruction], models[output.model], output.sample)
        if identity in stored:
            _check_same(output, stored[identity])
            continue
        stored[identity] = output
        rows.append(_output_row(output, *identity[:2]))
        if output.trajectory is not None and (files := held_files(output.trajectory.messages)):
            holding[identity] = files
    if rows:
        connection.execute(sa.insert(t.outputs), rows)
    _note_files(connection, holding)
    return Stored(len(rows), len(outputs) - len(rows))


def _note_files(connection: sa.Connection, holding: Mapping[tuple[int, int, int], Sequence[str]]) -> None:
    """Which files outputs hold, by the ids of instruction and model and the sample."""
    o = t.outputs.c
    query = sa.select(o.instruction_id, o.model_id, o.sample, o.id).where(o.instruction_id.in_(AMONG))
    rows = rows_among(connection, query, list({identity[0] for identity in holding}))
    ids = {(row.instruction_id, row.model_id, row.sample): row.id for row in rows}
    blobs.use(connection, [(digest, at[0], ids[at]) for at, digests in holding.items() for digest in digests])


def _model_ids(connection: sa.Connection, names: Iterable[str]) -> dict[str, int]:
    m = t.models.c
    rows = connection.execute(sa.select(m.name, m.id).where(m.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def _stored(connection: sa.Connection, benchmark_id: int, model_ids: set[int]) -> dict[tuple[int, int, int], Output]:
    """Each of the models' outputs, by the ids of instruction and model and the sample."""
    o = t.outputs.c
    query = (
        sa.select(o.instruction_id, o.model_id, *(o[name] for name in OUTPUT_COLUMNS))
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(t.instructions.c.benchmark_id == benchmark_id, o.model_id.in_(sorted(model_ids)))
    )
    return {(row[0], row[1], row.sample): output_of("", "", *row[2:]) for row in connection.execute(query)}


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


def lineages(connection: sa.Connection) -> dict[str, Lineage]:
    """What was declared, by the name of the model; of LLMs of judges as well, where it was declared."""
    return {model.name: model.lineage for model in models(connection)}


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


class AnswerWriter:
    """Appends the outputs of one model to one benchmark's instructions."""

    def __init__(self, benchmark_id: int, model_id: int, generator_id: int) -> None:
        self._benchmark_id = benchmark_id
        self._model_id = model_id
        self._generator_id = generator_id

    def known(self, connection: sa.Connection, keys: Sequence[str]) -> dict[str, Status]:
        """How those of the instructions ended that have an output of the model."""
        i, o = t.instructions.c, t.outputs.c
        query = (
            sa.select(i.key, t.answers.c.status)
            .join(t.outputs, o.instruction_id == i.id)
            .outerjoin(t.answers, t.answers.c.id == o.id)
            .where(i.benchmark_id == self._benchmark_id, o.model_id == self._model_id, i.key.in_(AMONG))
        )
        return {row.key: Status(row.status or Status.OK) for row in rows_among(connection, query, keys)}

    def add(self, connection: sa.Connection, answers: Iterable[Answer]) -> None:
        """Store the answers that have an output; an instruction that has one already keeps it."""
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
        return {"generator_id": self._generator_id, "status": str(answer.status), **about}
