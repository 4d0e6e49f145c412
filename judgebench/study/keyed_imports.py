"""Importing benchmarks of judges: pairs with an objective key, and a judge's recorded decisions on them.

The key becomes the label of an annotator called "key", so that accuracy is agreement with it. Both outputs of a pair
are by one model; they are stored as "MODEL A" and "MODEL B", numbered where an instruction occurs in several pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from judgebench.errors import InputError
from judgebench.formats.scalerlab import PARSER, KeyedPair, read_keyed_pairs
from judgebench.records import Battle, HumanLabel, Judge, Model, Output, Status, trial_key
from judgebench.store import labels, writer
from judgebench.store.database import Database
from judgebench.store.verdict_writer import TrialResult
from judgebench.study.imports import store_recorded
from judgebench.study.submit import check_name

KEY = "key"  # the annotator that objective labels are stored under


@dataclass(frozen=True, slots=True)
class KeyedReport:
    """What one file brought."""

    file: str
    judge: str
    pairs: int
    new: int  # verdicts that were not stored before
    known: int  # that were
    without_preference: int  # decisions that the file records as null
    labels: int  # keys that were not stored before


def import_scalerlab(database: Database, path: Path, *, benchmark: str) -> KeyedReport:
    """Store a file of the ScalerLab JudgeBench in one transaction. Importing again adds nothing.

    Raises InputError naming file, row and field, and Conflict where stored outputs differ; then nothing is stored.
    """
    check_name("benchmark", benchmark)
    pairs = read_keyed_pairs(path)
    judges = {(pair.judge, pair.template) for pair in pairs}
    if len(judges) > 1:
        raise InputError(f"{path}: holds decisions of {len(judges)} judges: split it into one file each")
    [(llm, template)] = judges
    check_name("judge", llm)
    judge = Judge(llm, llm, f"recorded/{template}", PARSER)
    battles = _battles(pairs)
    with database.write() as connection:
        benchmark_id = writer.add_benchmark(connection, benchmark)
        _add_outputs(connection, benchmark_id, battles)
        results = [
            result for pair, battle in zip(pairs, battles, strict=True) for result in _results(judge, pair, battle)
        ]
        keys = [_label(pair, battle, path.name) for pair, battle in zip(pairs, battles, strict=True)]
        stored = store_recorded(connection, benchmark_id, judge, results, source="scalerlab")
        return KeyedReport(
            file=str(path),
            judge=judge.name,
            pairs=len(pairs),
            new=stored.new,
            known=stored.known,
            without_preference=sum(result.verdict.status is Status.UNPARSED for result in results),
            labels=labels.add_labels(connection, benchmark_id, keys).new,
        )


def _battles(pairs: Sequence[KeyedPair]) -> list[Battle]:
    """Aligned to ``pairs``; A is the pair's first output."""
    seen: dict[tuple[str, str], int] = {}
    battles = []
    for pair in pairs:
        key = pair.instruction.key
        number = seen[key, pair.model] = seen.get((key, pair.model), 0) + 1
        end = f" ({number})" if number > 1 else ""
        a, b = f"{pair.model} A{end}", f"{pair.model} B{end}"
        battles.append(Battle(pair.instruction, Output(key, a, pair.output_a), Output(key, b, pair.output_b)))
    return battles


def _add_outputs(connection: sa.Connection, benchmark_id: int, battles: Sequence[Battle]) -> None:
    writer.add_instructions(connection, benchmark_id, [battle.instruction for battle in battles])
    outputs = [output for battle in battles for output in (battle.a, battle.b)]
    for name in sorted({output.model for output in outputs}):
        check_name("model", name)
        writer.add_model(connection, Model(name))
    writer.add_outputs(connection, benchmark_id, outputs)


def _results(judge: Judge, pair: KeyedPair, battle: Battle) -> list[TrialResult]:
    return [
        TrialResult(
            trial_key=trial_key(judge.digest, battle, each.order),
            instruction=battle.instruction.key,
            model_a=battle.a.model,
            model_b=battle.b.model,
            order=each.order,
            repeat=0,
            verdict=each.verdict,
            completion=each.completion,
        )
        for each in pair.judged
    ]


def _label(pair: KeyedPair, battle: Battle, source: str) -> HumanLabel:
    return HumanLabel(KEY, battle.instruction.key, battle.a.model, battle.b.model, pair.key, source=source)
