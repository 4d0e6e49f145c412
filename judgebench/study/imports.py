"""Importing verdicts that others published: their instructions, outputs, judge and recorded preferences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from judgebench.errors import InputError
from judgebench.formats.alpaca_eval import PARSER, Annotation, read_annotations
from judgebench.formats.submission import read_benchmark
from judgebench.records import Judge, Model, trial_key
from judgebench.store import reader, writer
from judgebench.store.database import Database
from judgebench.store.verdict_writer import TrialResult, VerdictWriter
from judgebench.study.submit import check_name

_TEMPLATE = "recorded/alpaca-eval"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one file brought."""

    file: str
    models: tuple[str, ...]
    new: int  # verdicts that were not stored before
    known: int  # verdicts that were
    without_preference: int  # verdicts among them for which the file records no preference
    against_itself: int  # rows that compare a model with itself; their outputs are stored, they are no battles
    duplicate: int  # rows that repeat an earlier one


def import_alpaca_eval(
    database: Database, paths: Sequence[Path], *, benchmark: str = "alpaca_eval"
) -> list[ImportReport]:
    """Store AlpacaEval ``annotations.json`` files, all of them in one transaction. Importing again adds nothing.

    Raises InputError naming file, row and field, and Conflict where stored outputs differ; then nothing is stored.
    """
    check_name("benchmark", benchmark)
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
    with database.write() as connection:
        benchmark_id = writer.add_benchmark(connection, benchmark)
        return [_import_file(connection, path, benchmark_id) for path in paths]


@dataclass(frozen=True, slots=True)
class InstructionsReport:
    """What became of a file of instructions."""

    file: str
    benchmark: str
    new: int
    known: int
    duplicate: int  # rows that repeat an earlier one


def import_instructions(
    database: Database, path: Path, *, benchmark: str, columns: Mapping[str, str] | None = None
) -> InstructionsReport:
    """Store a file's instructions as a benchmark, or add those that it lacks; importing again adds nothing.

    Raises InputError naming file, row and field, and then nothing is stored.
    """
    check_name("benchmark", benchmark)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    file = read_benchmark(path, columns=columns)
    with database.write() as connection:
        benchmark_id = writer.add_benchmark(connection, benchmark)
        stored = writer.add_instructions(connection, benchmark_id, [item.instruction for item in file.items])
    return InstructionsReport(str(path), benchmark, stored.new, stored.known, file.duplicates)


def _import_file(connection: sa.Connection, path: Path, benchmark_id: int) -> ImportReport:
    file = read_annotations(path)
    rows = file.battles + file.against_itself
    outputs = {(output.instruction, output.model): output for row in rows for output in (row.baseline, row.output)}
    writer.add_instructions(connection, benchmark_id, [row.instruction for row in rows])
    for model in sorted({model for _, model in outputs}):
        check_name("model", model)
        writer.add_model(connection, Model(model))
    writer.add_outputs(connection, benchmark_id, list(outputs.values()))
    new = 0
    for annotator in sorted({row.annotator for row in file.battles}):
        judged = [row for row in file.battles if row.annotator == annotator]
        new += _add_verdicts(connection, benchmark_id, annotator, judged)
    return ImportReport(
        file=str(path),
        models=tuple(sorted({row.output.model for row in rows})),
        new=new,
        known=len(file.battles) - new,
        without_preference=sum(row.preference is None for row in file.battles),
        against_itself=len(file.against_itself),
        duplicate=file.duplicates,
    )


def _add_verdicts(connection: sa.Connection, benchmark_id: int, annotator: str, rows: Sequence[Annotation]) -> int:
    """Store what is not stored yet, as one run; returns how many verdicts that were."""
    judge = Judge(name=annotator, model=annotator, template=_TEMPLATE, template_digest=PARSER)
    results = [_result(judge, row) for row in rows]
    return store_recorded(connection, benchmark_id, judge, results, source="alpaca-eval").new


def store_recorded(
    connection: sa.Connection, benchmark_id: int, judge: Judge, results: Sequence[TrialResult], *, source: str
) -> writer.Stored:
    """Store recorded verdicts that are not stored yet as one run; where all are, there is no run."""
    judge_id = writer.add_judge(connection, judge)
    known = reader.revisions(connection, [result.trial_key for result in results])
    if all(result.trial_key in known for result in results):
        return writer.Stored(0, len(results))
    run = writer.start_run(
        connection,
        benchmark_id=benchmark_id,
        judge_id=judge_id,
        kind="import",
        specification={"format": source},
    )
    stored = VerdictWriter(connection, run).add(connection, results)
    writer.finish_run(connection, run)
    return stored


def _result(judge: Judge, row: Annotation) -> TrialResult:
    battle, order = row.battle, row.order
    return TrialResult(
        trial_key=trial_key(judge.digest, battle, order),
        instruction=battle.instruction.key,
        model_a=battle.a.model,
        model_b=battle.b.model,
        order=order,
        repeat=0,
        verdict=row.verdict,
        completion=row.completion,
    )
