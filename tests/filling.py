"""The one place that fills databases for tests."""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import sqlalchemy as sa

from judgebench import services, store
from judgebench.records import Battle, HumanLabel, Instruction, Judge, Model, Order, Output, Trial
from judgebench.store import schema
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.factories import JUDGE, failed, instruction, ok, result, trial


def submitted(
    database: Database,
    asked: Sequence[Instruction],
    models: Sequence[str | Model],
    text: Callable[[str, int], str],
    *,
    benchmark: str = "bench",
) -> dict[tuple[str, str], Output]:
    """Every model's output to every instruction, stored: by the instruction's key and the model's name.

    ``text`` is given the model's name and the instruction's place.
    """
    known = [Model(model) if isinstance(model, str) else model for model in models]
    outputs = {
        (each.key, model.name): Output(each.key, model.name, text(model.name, number))
        for number, each in enumerate(asked)
        for model in known
    }
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        store.benchmarks.add_instructions(connection, benchmark_id, asked)
        for model in known:
            store.models.add_model(connection, model)
        store.models.add_outputs(connection, benchmark_id, list(outputs.values()))
    return outputs


def judging(database: Database, judge: Judge = JUDGE, *, benchmark: str = "bench") -> VerdictWriter:
    """The writer of a new run of the judge."""
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        judge_id = store.judges.add_judge(connection, judge)
        run_id = store.runs.start_run(
            connection, benchmark_id=benchmark_id, judge_id=judge_id, kind="run", specification={}
        )
        return VerdictWriter(connection, run_id)


def filled(database: Database, instructions: int = 3, models: tuple[str, ...] = ("alpha", "beta")) -> VerdictWriter:
    """A benchmark "bench" with every model's outputs, and the writer of a run on it."""
    asked = [instruction(number, category=f"c{number % 2}") for number in range(instructions)]
    submitted(database, asked, models, lambda model, number: f"{model} says {number}")
    return judging(database)


def judged(database: Database) -> None:
    """Two battles in both orders, one that failed, and a label on the first and on the last."""
    verdicts = filled(database)
    with database.write() as connection:
        rows = [result(trial(number, order), ok(0.8)) for number in range(2) for order in Order]
        verdicts.add(connection, [*rows, result(trial(2), failed(), reply=None)])
    for number in (0, 2):
        label = HumanLabel.of("ann", instruction(number).key, first="alpha", second="beta", preference=1.0)
        services.labels.vote(database, "bench", label)


def sampled(database: Database) -> list[str]:
    """Two models with two outputs each to six instructions, whose keys it returns, in the benchmark "bench"."""
    asked = [instruction(number) for number in range(6)]
    submitted(database, asked, ("alpha", "beta"), lambda model, number: f"{model} says {number}, sample 0")
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, "bench")
        store.models.add_outputs(connection, benchmark_id, [side for each in asked for side in _outputs(each, 1)])
    return [each.key for each in asked]


def _outputs(asked: Instruction, sample: int) -> list[Output]:
    number = asked.text.removeprefix("What is ").removesuffix("?")
    return [
        Output(asked.key, model, f"{model} says {number}, sample {sample}", sample=sample)
        for model in ("alpha", "beta")
    ]


def judged_samples(
    database: Database, name: str = "judge", *, fair: bool = True, orders: Sequence[Order] = tuple(Order)
) -> None:
    """The samples of ``sampled`` with equal numbers, judged: alpha wins the first of them, beta the second, in both
    orders, but that the judge is silent on the first when beta is shown first. One that is not ``fair`` names the side
    shown first."""
    judge = replace(JUDGE, name=name, model=name)
    rows = []
    for asked, sample, order in product(map(instruction, range(6)), (0, 1), orders):
        silent = fair and sample == 0 and order is Order.BA
        verdict = failed() if silent else ok(float(sample == 0 if fair else order is Order.AB))
        of_sample = Trial(judge.digest, Battle.of(asked, *_outputs(asked, sample)), order)
        rows.append(result(of_sample, verdict, samples=(sample, sample)))
    verdicts = judging(database, judge)
    with database.write() as connection:
        verdicts.add(connection, rows)


def asked(count: int, **fields: object) -> list[Instruction]:
    return [Instruction((f"What is {number}?",), f"c{number % 2}", **fields) for number in range(count)]


def stored(database: Database, instructions: Sequence[Instruction], models: Sequence[str]) -> None:
    """The benchmark "bench"; the output of the model named "m7" says that its quality is 7."""
    submitted(
        database,
        instructions,
        models,
        lambda model, number: f"{model} on {instructions[number].text[:20]}: quality {model[1:]}",
    )


_NOW = "2026-01-31T23:59:59.123456+00:00"
_IMAGE = b"\x89PNG\r\n\x1a\n\x00\xff"


def every_column(connection: sa.Connection) -> dict[str, np.ndarray]:
    """All pairwise verdicts in force, of all blocks."""
    parts = list(store.blocks.verdict_columns(connection).parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def lose(database: Database, *tables: str) -> None:
    """Delete all rows of tables of an SQLite database, whatever refers to them."""
    with sqlite3.connect(str(database.url.database)) as connection:  # keys of others are off by default
        for table in tables:
            connection.execute(f"DELETE FROM {table}")
    connection.close()


def crammed(database: Database) -> None:
    """``judged``, and a row in every table that that leaves empty, with a value in every column."""
    judged(database)
    digest = hashlib.sha256(_IMAGE).hexdigest()
    about = {"instruction_id": 1, "output_id": 1}
    trial_ = {"trial_key": "f" * 32, "instruction_id": 1, "output_a_id": 1, "output_b_id": 2, "order": "AB"}
    rows: dict[str, list[dict[str, object]]] = {
        "judge_addresses": [
            {"judge_id": 1, "url": url, "key_env": "KEY", "settings": "{}", "abilities": "{}"} for url in ("u", None)
        ],
        "generators": [{"model_id": 1, "served_model": "m", "settings": "{}", "created_at": _NOW}],
        "generator_addresses": [{"generator_id": 1, "url": "u"}],
        "answers": [{"id": 1, "generator_id": 1, "status": "ok", "cost_usd": 0.1, "created_at": _NOW}],
        "batches": [{"name": "batch", "run_id": 1, "digest": "d" * 64, "created_at": _NOW}],
        "batch_trials": [{"batch_id": 1, "repeat": 0, "sent_key": "s", **trial_}],
        "verdict_blocks": [{"id": 0, "format": 0, "columns": b"\x00\xff"}],
        "audits": [
            {
                **{"kind": "k", "benchmark_id": 1, "extent": 1, "passed": True, "high": 0, "document": "{}"},
                **{"version": "0", "created_at": _NOW},
            }
        ],
        "external_ids": [
            about | {"name": "uid", "value": "\u00fc1"},
            about | {"output_id": None, "name": "q", "value": "1"},
        ],
        "verdict_criteria": [
            {"verdict_id": 1, "number": 0, "name": "tone", "score": 0.1, "weight": 2.5, "reason": "r"}
        ],
        "verdict_spans": [{"verdict_id": 1, "number": 0, "start": 0, "stop": 3, "rating": "good", "kind": "k"}],
        "marks": [
            {
                **{"output_id": 1, "annotator": "ann", "number": 0, "start": 0, "stop": 3, "rating": "bad"},
                **{"kind": "k", "reason": "r", "source": "f", "created_at": _NOW},
            }
        ],
        "verdict_goals": [
            {
                **{"verdict_id": 1, "number": 0, "goal": "g", "turns": "[1]", "reached": "no", "cause": "misread"},
                **{"failed_at": 1, "declared": 0, "reason": "r"},
            }
        ],
        "claims": [{"trial_key": "f" * 32, "run_id": 1, "holder": "host:1", "expires_at": _NOW}],
        "jobs": [
            {
                **{"kind": "run", "benchmark_id": 1, "subject": "j", "specification": "{}", "variables": "[]"},
                **{"work_key": "e" * 32, "actor": "ann", "planned": 1, "answered": 0, "after_run": 0, "attempts": 0},
                **{"state": "stopped", "is_stopping": False, "message": "", "created_at": _NOW, "finished_at": _NOW},
            }
        ],
        "standing_boards": [{"benchmark_id": 1, "judge_id": 1, "baseline_id": 1, "changed_at": _NOW}],
        "standing_models": [{"benchmark_id": 1, "model_id": 2}],
        "events": [
            {"at": _NOW, "actor": "ann", "action": "voted", "kind": "benchmark", "name": "bench", "details": "{}"}
        ],
        "api_tokens": [
            {"name": "ci", "digest": digest, "role": "viewer", "scopes": "[]", "created_at": _NOW, "expires_at": _NOW}
        ],
        "idempotency_keys": [
            {"caller": "token ci", "key": "k", "digest": digest, "status": 201, "document": "{}", "created_at": _NOW}
        ],
        "blobs": [
            {
                **{"digest": digest, "media_type": "image/png", "size": len(_IMAGE), "width": 1, "height": 1},
                **{"created_at": _NOW, "bytes": _IMAGE},
            }
        ],
        "blob_uses": [about | {"blob_id": 1}, about | {"blob_id": 1, "output_id": None}],
    }
    with database.write() as connection:
        for name, values in rows.items():
            connection.execute(sa.insert(schema.metadata.tables[name]), values)
