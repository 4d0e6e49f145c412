"""Write 2: verdicts with the raw completions they were read from. Append-only; a batch is one transaction."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from judgebench.records import Completion, Status, TrialResult, Verdict
from judgebench.store import schema as t
from judgebench.store.arrays import seal_if_filled
from judgebench.store.database import IN_LIST, Stored, bulk_insert, now
from judgebench.store.models import StoredOutputs, stored_outputs
from judgebench.store.verdicts import revisions

_REMEMBERED = 1000  # instructions whose outputs are known without a look-up


_NEWEST = sa.select(sa.func.max(t.verdicts.c.id))


class VerdictWriter:
    """Appends the verdicts of one run. Remembers the last instructions' outputs, since trials of one come together."""

    def __init__(self, connection: sa.Connection, run_id: int) -> None:
        run = connection.execute(sa.select(t.runs).where(t.runs.c.id == run_id)).one()
        self._run_id = run_id
        self._judge_id: int = run.judge_id
        self._benchmark_id: int = run.benchmark_id
        self._known: dict[str, StoredOutputs] = {}  # by the instruction's key

    def add(self, connection: sa.Connection, results: Sequence[TrialResult]) -> Stored:
        """Store the results in the connection's write transaction.

        A trial that has an answer already keeps it; one that only failed so far gets a further revision.
        """
        inforce = revisions(connection, [result.trial_key for result in results])
        verdict_id = _next_id(connection)
        self._look_up(connection, {result.instruction for result in results})
        completions, rows = [], []
        written = now()
        for result in results:
            known = inforce.get(result.trial_key)
            if known is not None and known[1] != Status.FAILED:
                continue
            revision = 0 if known is None else known[0] + 1
            for verdict, completion in _revisions(result):
                inforce[result.trial_key] = (revision, verdict.status)
                if completion is not None:
                    completions.append(_completion_row(verdict_id, completion))
                said = (*_verdict_values(verdict), None if completion is None else verdict_id, written)
                rows.append((verdict_id, result.trial_key, revision, *self._sides(result), *said))
                verdict_id, revision = verdict_id + 1, revision + 1
        bulk_insert(connection, t.completions, completions)
        _insert_verdicts(connection, rows)
        new = len({row[1] for row in rows})
        return Stored(new, len(results) - new)

    def _look_up(self, connection: sa.Connection, keys: set[str]) -> None:
        new = keys - self._known.keys()
        if len(self._known) + len(new) > _REMEMBERED:
            self._known, new = {}, keys
        self._known |= stored_outputs(connection, self._benchmark_id, sorted(new))

    def _sides(self, result: TrialResult) -> tuple[Any, ...]:
        """What a verdict is about: the columns from the run to the repeat."""
        known = self._known[result.instruction]
        return (
            self._run_id,
            self._judge_id,
            known.instruction_id,
            known.by_model[result.model_a],
            None if result.model_b is None else known.by_model[result.model_b],
            None if result.order is None else str(result.order),
            result.repeat,
        )


def _revisions(result: TrialResult) -> list[tuple[Verdict, Completion | None]]:
    """What is stored of a result, the last of which is in force."""
    found: list[tuple[Verdict, Completion | None]] = [(result.verdict, result.completion)]
    return found if result.first is None else [result.first, *found]


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
    _insert_verdicts(connection, rows)
    return len(rows)


def _insert_verdicts(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows start with their ids, which follow each other."""
    bulk_insert(connection, t.verdicts, rows)
    if rows:
        seal_if_filled(connection, rows[0][0], rows[-1][0])


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
        completion.constrained,
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


def _next_id(connection: sa.Connection) -> int:
    return (connection.scalar(_NEWEST) or 0) + 1
