"""Write 3: outputs that we asked a model for, with what is known about each reply. A batch is one transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import Conflict
from judgebench.records import Completion, Output, Status
from judgebench.store import tables as t
from judgebench.store.reader import IN_LIST
from judgebench.store.writer import insert, now


@dataclass(frozen=True, slots=True)
class Generator:
    """How a model is asked for its outputs."""

    served_model: str  # the name its server knows it by
    system: str | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An output that came back, or why none did."""

    output: Output | None  # None where it failed
    status: Status  # ok, truncated, refused or failed
    detail: str | None
    completion: Completion | None  # of all turns together

    @property
    def replies(self) -> tuple[Completion, ...]:
        """Everything that was paid for."""
        return () if self.completion is None else (self.completion,)


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
