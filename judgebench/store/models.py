"""Everything that is read, in the snapshot of the connection it is given.

Of several revisions of a trial's verdict only the highest is in force; every function here reads that one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import Conflict
from judgebench.records import Answer, Lineage, Model, Output, Status
from judgebench.store import schema as t
from judgebench.store.benchmarks import instruction_ids, replies
from judgebench.store.database import IN_LIST, Stored, insert, now, row_id


def models(connection: sa.Connection, benchmark: int) -> list[Model]:
    """Models with outputs in the benchmark, by name."""
    an_output = (
        sa.exists()
        .where(t.outputs.c.model_id == t.models.c.id)
        .where(t.instructions.c.id == t.outputs.c.instruction_id, t.instructions.c.benchmark_id == benchmark)
    )
    rows = connection.execute(sa.select(t.models).where(an_output).order_by(t.models.c.name))
    return [Model(row.name, Lineage(row.family, row.parent, tuple(json.loads(row.trained_on)))) for row in rows]


def outputs_to(connection: sa.Connection, benchmark: int, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """Every model's outputs to the instructions with these keys, by model and key."""
    i, o = t.instructions.c, t.outputs.c
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(keys), IN_LIST):
        query = (
            sa.select(t.models.c.name, i.key, o.text)
            .join(t.outputs, o.model_id == t.models.c.id)
            .join(t.instructions, i.id == o.instruction_id)
            .where(i.benchmark_id == benchmark, i.key.in_(keys[start : start + IN_LIST]))
        )
        for name, key, text in connection.execute(query):
            found.setdefault(name, {})[key] = text
    return found


def check_model(connection: sa.Connection, name: str) -> None:
    """Raises UnknownName."""
    row_id(connection, t.models, "model", name)


def add_model(connection: sa.Connection, model: Model) -> int:
    """The model's id. A lineage declared later fills what was not declared before.

    Raises Conflict when it contradicts the lineage declared before.
    """
    row = connection.execute(sa.select(t.models).where(t.models.c.name == model.name)).one_or_none()
    if row is None:
        return insert(connection, t.models, name=model.name, **_lineage(model.lineage))
    declared = {key: value for key, value in _lineage(model.lineage).items() if value not in (None, "[]")}
    for key, value in declared.items():
        stored = row._mapping[key]
        if stored not in (None, "[]", value):
            raise Conflict(f"model {model.name!r} is stored with {key} {stored!r}, not {value!r}: nothing was changed")
    if declared:
        connection.execute(sa.update(t.models).where(t.models.c.id == row.id).values(**declared))
    return int(row.id)


def add_outputs(connection: sa.Connection, benchmark_id: int, outputs: Sequence[Output]) -> Stored:
    """Store outputs of known models to known instructions.

    Raises Conflict when a model has another output to one of the instructions already; then nothing is stored.
    """
    instructions = instruction_ids(connection, benchmark_id)
    models = _ids(connection, t.models, {output.model for output in outputs})
    stored = _stored_outputs(connection, benchmark_id, set(models.values()))
    rows = []
    for output in outputs:
        identity = (instructions[output.instruction], models[output.model])
        if identity in stored:
            _check_same(output, stored[identity])
            continue
        stored[identity] = output.whole
        columns = ("instruction_id", "model_id", "text", "length_chars", "earlier")
        earlier = json.dumps(output.earlier, ensure_ascii=False) if output.earlier else None
        rows.append(dict(zip(columns, (*identity, output.text, len(output.whole), earlier), strict=True)))
    if rows:
        connection.execute(sa.insert(t.outputs), rows)
    return Stored(len(rows), len(outputs) - len(rows))


def _ids(connection: sa.Connection, table: sa.Table, names: Iterable[str]) -> dict[str, int]:
    rows = connection.execute(sa.select(table.c.name, table.c.id).where(table.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def _stored_outputs(connection: sa.Connection, benchmark_id: int, model_ids: set[int]) -> dict[tuple[int, int], str]:
    o = t.outputs.c
    query = (
        sa.select(o.instruction_id, o.model_id, o.text, o.earlier)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(t.instructions.c.benchmark_id == benchmark_id, o.model_id.in_(sorted(model_ids)))
    )
    rows = connection.execute(query)
    return {(row.instruction_id, row.model_id): _whole(row.text, row.earlier) for row in rows}


def _whole(text: str, earlier: str | None) -> str:
    return Output("", "", text, replies(earlier)).whole


def _check_same(output: Output, known: str) -> None:
    if output.whole != known:
        raise Conflict(
            f"model {output.model!r} is stored with another output to an instruction of this submission "
            f"(stored: {known[:60]!r}, submitted: {output.whole[:60]!r}): stored outputs are never replaced, "
            "submit the new ones under another model name"
        )


def _lineage(lineage: Lineage) -> dict[str, Any]:
    return {
        "family": lineage.family,
        "parent": lineage.parent,
        "trained_on": json.dumps(lineage.trained_on, ensure_ascii=False),
    }


def lineages(connection: sa.Connection) -> dict[str, Lineage]:
    """What was declared, by the name of the model; of LLMs of judges as well, where it was declared."""
    rows = connection.execute(sa.select(t.models).order_by(t.models.c.name))
    return {row.name: Lineage(row.family, row.parent, tuple(json.loads(row.trained_on))) for row in rows}


@dataclass(frozen=True, slots=True)
class StoredOutputs:
    """Where an instruction and the outputs to it are stored."""

    instruction_id: int
    by_model: dict[str, int]


def stored_outputs(connection: sa.Connection, benchmark_id: int, keys: Sequence[str]) -> dict[str, StoredOutputs]:
    """The instructions with these keys and the outputs to them."""
    i, o = t.instructions.c, t.outputs.c
    found: dict[str, StoredOutputs] = {}
    for start in range(0, len(keys), IN_LIST):
        query = (
            sa.select(i.key, i.id, o.id.label("output_id"), t.models.c.name)
            .join(t.outputs, o.instruction_id == i.id)
            .join(t.models, t.models.c.id == o.model_id)
            .where(i.benchmark_id == benchmark_id, i.key.in_(keys[start : start + IN_LIST]))
        )
        for key, instruction_id, output_id, model in connection.execute(query):
            found.setdefault(key, StoredOutputs(instruction_id, {})).by_model[model] = output_id
    return found


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


class AnswerWriter:
    """Appends the outputs of one model to one benchmark's instructions."""

    def __init__(self, benchmark_id: int, model_id: int, generator_id: int) -> None:
        self._benchmark_id = benchmark_id
        self._model_id = model_id
        self._generator_id = generator_id

    def known(self, connection: sa.Connection, keys: Sequence[str]) -> dict[str, Status]:
        """How those of the instructions ended that have an output of the model."""
        i, o = t.instructions.c, t.outputs.c
        found: dict[str, Status] = {}
        for part in _parts(keys):
            query = (
                sa.select(i.key, t.answers.c.status)
                .join(t.outputs, o.instruction_id == i.id)
                .outerjoin(t.answers, t.answers.c.id == o.id)
                .where(i.benchmark_id == self._benchmark_id, o.model_id == self._model_id, i.key.in_(part))
            )
            found |= {row.key: Status(row.status or Status.OK) for row in connection.execute(query)}
        return found

    def add(self, connection: sa.Connection, answers: Iterable[Answer]) -> None:
        """Store the answers that have an output; an instruction that has one already keeps it."""
        new = {answer.output.instruction: answer for answer in answers if answer.output is not None}
        for key in self.known(connection, list(new)):
            del new[key]
        ids = self._instruction_ids(connection, list(new))
        written = now()
        for key, answer in new.items():
            output_id = self._add_output(connection, ids[key], answer)
            connection.execute(sa.insert(t.answers).values(id=output_id, **self._about(answer), created_at=written))

    def _add_output(self, connection: sa.Connection, instruction_id: int, answer: Answer) -> int:
        output = answer.output or Output("", "", "")
        earlier = json.dumps(output.earlier, ensure_ascii=False) if output.earlier else None
        return insert(
            connection,
            t.outputs,
            instruction_id=instruction_id,
            model_id=self._model_id,
            text=output.text,
            length_chars=len(output.whole),
            earlier=earlier,
        )

    def _about(self, answer: Answer) -> dict[str, Any]:
        reply = answer.completion
        names = ("finish_reason", "model", "prompt_tokens", "completion_tokens", "cost_usd", "latency_s")
        about = {name: getattr(reply, name, None) for name in names}
        return {"generator_id": self._generator_id, "status": str(answer.status), **about}

    def _instruction_ids(self, connection: sa.Connection, keys: Sequence[str]) -> dict[str, int]:
        i = t.instructions.c
        found: dict[str, int] = {}
        for part in _parts(keys):
            query = sa.select(i.key, i.id).where(i.benchmark_id == self._benchmark_id, i.key.in_(part))
            found |= {row.key: row.id for row in connection.execute(query)}
        return found


def _parts(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[start : start + IN_LIST] for start in range(0, len(keys), IN_LIST))
