"""Write 2: verdicts with the raw completions they were read from. Append-only; a batch is one transaction."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.records import Completion, Order, Status, Verdict
from judgebench.store import tables as t
from judgebench.store.database import bulk_insert
from judgebench.store.reader import IN_LIST, revisions
from judgebench.store.writer import Stored, instruction_ids, now


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of one trial: its identity, the judge's raw reply where there was one, and the verdict."""

    trial_key: str
    instruction: str  # key
    model_a: str
    model_b: str
    order: Order | None  # None: imported from a source that does not tell
    repeat: int
    verdict: Verdict
    completion: Completion | None


class VerdictWriter:
    """Appends the verdicts of one run. Knows the run's outputs by name, so that a batch costs no look-up of them."""

    def __init__(self, connection: sa.Connection, run_id: int) -> None:
        run = connection.execute(sa.select(t.runs).where(t.runs.c.id == run_id)).one()
        self._run_id = run_id
        self._judge_id: int = run.judge_id
        self._instruction_ids = instruction_ids(connection, run.benchmark_id)
        self._output_ids = _output_ids(connection, run.benchmark_id)

    def add(self, connection: sa.Connection, results: Sequence[TrialResult]) -> Stored:
        """Store the results in the connection's write transaction.

        A trial that has an answer already keeps it; one that only failed so far gets a further revision.
        """
        inforce = revisions(connection, [result.trial_key for result in results])
        verdict_id = _next_id(connection)
        completions, rows = [], []
        written = now()
        for result in results:
            known = inforce.get(result.trial_key)
            if known is not None and known[1] != Status.FAILED:
                continue
            revision = 0 if known is None else known[0] + 1
            inforce[result.trial_key] = (revision, result.verdict.status)
            if result.completion is not None:
                completions.append(_completion_row(verdict_id, result.completion))
            rows.append(self._verdict_row(verdict_id, revision, result, written))
            verdict_id += 1
        bulk_insert(connection, t.completions, completions)
        bulk_insert(connection, t.verdicts, rows)
        return Stored(len(rows), len(results) - len(rows))

    def _verdict_row(self, verdict_id: int, revision: int, result: TrialResult, written: str) -> tuple[Any, ...]:
        instruction_id = self._instruction_ids[result.instruction]
        verdict = result.verdict
        return (
            verdict_id,
            result.trial_key,
            revision,
            self._run_id,
            self._judge_id,
            instruction_id,
            self._output_ids[instruction_id, result.model_a],
            self._output_ids[instruction_id, result.model_b],
            None if result.order is None else str(result.order),
            result.repeat,
            *_verdict_values(verdict),
            None if result.completion is None else verdict_id,
            written,
        )


def add_reparsed(connection: sa.Connection, verdicts: Mapping[int, Verdict]) -> int:
    """Append a further revision of each stored verdict (by id) with what a newer parser reads; returns how many."""
    next_id = _next_id(connection)
    old = _rows_by_id(connection, list(verdicts))
    inforce = revisions(connection, [row["trial_key"] for row in old])
    written = now()
    names = ("status", "source", "preference", "score", "label", "mass", "detail", "parser")
    rows = []
    for offset, row in enumerate(old):
        changed = dict(zip(names, _verdict_values(verdicts[row["id"]]), strict=True))
        changed |= {"id": next_id + offset, "revision": inforce[row["trial_key"]][0] + 1, "created_at": written}
        rows.append(tuple((row | changed)[column.name] for column in t.verdicts.columns))
    bulk_insert(connection, t.verdicts, rows)
    return len(rows)


def _verdict_values(verdict: Verdict) -> tuple[Any, ...]:
    return (
        str(verdict.status),
        str(verdict.source),
        verdict.preference,
        verdict.score,
        verdict.label,
        verdict.mass,
        verdict.detail,
        verdict.parser,
    )


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
    )


def _finite(logprob: float) -> float:
    """JSON has no infinity; servers write -9999 for a token of probability nought, and so do we."""
    return logprob if math.isfinite(logprob) else -9999.0


def _rows_by_id(connection: sa.Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for start in range(0, len(ids), IN_LIST):
        query = sa.select(t.verdicts).where(t.verdicts.c.id.in_(ids[start : start + IN_LIST]))
        rows += [dict(row._mapping) for row in connection.execute(query.order_by(t.verdicts.c.id))]
    return rows


def _output_ids(connection: sa.Connection, benchmark_id: int) -> dict[tuple[int, str], int]:
    query = (
        sa.select(t.outputs.c.id, t.outputs.c.instruction_id, t.models.c.name)
        .join(t.models, t.models.c.id == t.outputs.c.model_id)
        .join(t.instructions, t.instructions.c.id == t.outputs.c.instruction_id)
        .where(t.instructions.c.benchmark_id == benchmark_id)
    )
    names: dict[str, str] = {}  # one string object a model, however many outputs it has
    return {
        (instruction_id, names.setdefault(name, name)): output_id
        for output_id, instruction_id, name in connection.execute(query)
    }


def _next_id(connection: sa.Connection) -> int:
    return (connection.scalar(sa.select(sa.func.max(t.verdicts.c.id))) or 0) + 1
