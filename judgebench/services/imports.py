"""Importing verdicts that others published: their instructions, outputs, judge and recorded preferences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from judgebench import store
from judgebench.errors import InputError
from judgebench.formats.alpaca_eval import PARSER, Annotation, read_annotations
from judgebench.formats.outputs import read_instructions
from judgebench.formats.scalerlab import SCALERLAB_PARSER, KeyedPair, read_keyed_pairs
from judgebench.records import (
    Battle,
    HumanLabel,
    Instruction,
    Judge,
    Model,
    Output,
    Status,
    Trial,
    TrialResult,
    check_name,
    trial_key,
)
from judgebench.store import labels
from judgebench.store.database import Connection, Database
from judgebench.store.verdicts import VerdictWriter

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
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
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
    file = read_instructions(path, columns=columns)
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        stored = store.benchmarks.add_instructions(connection, benchmark_id, [item.instruction for item in file.items])
    return InstructionsReport(str(path), benchmark, stored.new, stored.known, file.duplicates)


def _import_file(connection: Connection, path: Path, benchmark_id: int) -> ImportReport:
    file = read_annotations(path)
    rows = file.battles + file.against_itself
    outputs = {(output.instruction, output.model): output for row in rows for output in (row.baseline, row.output)}
    store.benchmarks.add_instructions(connection, benchmark_id, [row.instruction for row in rows])
    for model in sorted({model for _, model in outputs}):
        check_name("model", model)
        store.models.add_model(connection, Model(model))
    store.models.add_outputs(connection, benchmark_id, list(outputs.values()))
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


def _add_verdicts(connection: Connection, benchmark_id: int, annotator: str, rows: Sequence[Annotation]) -> int:
    """Store what is not stored yet, as one run; returns how many verdicts that were."""
    judge = Judge(name=annotator, model=annotator, template=_TEMPLATE, template_digest=PARSER)
    results = [_result(judge, row) for row in rows]
    return store_recorded(connection, benchmark_id, judge, results, source="alpaca-eval").new


def store_recorded(
    connection: Connection, benchmark_id: int, judge: Judge, results: Sequence[TrialResult], *, source: str
) -> store.database.Stored:
    """Store recorded verdicts that are not stored yet as one run; where all are, there is no run."""
    judge_id = store.judges.add_judge(connection, judge)
    known = store.verdicts.revisions(connection, [result.trial_key for result in results])
    if all(result.trial_key in known for result in results):
        return store.database.Stored(0, len(results))
    run = store.runs.start_run(
        connection,
        benchmark_id=benchmark_id,
        judge_id=judge_id,
        kind="import",
        specification={"format": source},
    )
    stored = VerdictWriter(connection, run).add(connection, results)
    store.runs.finish_run(connection, run)
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
    judge = Judge(llm, llm, f"recorded/{template}", SCALERLAB_PARSER)
    battles = _battles(pairs)
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
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


def _add_outputs(connection: Connection, benchmark_id: int, battles: Sequence[Battle]) -> None:
    store.benchmarks.add_instructions(connection, benchmark_id, [battle.instruction for battle in battles])
    outputs = [output for battle in battles for output in (battle.a, battle.b)]
    for name in sorted({output.model for output in outputs}):
        check_name("model", name)
        store.models.add_model(connection, Model(name))
    store.models.add_outputs(connection, benchmark_id, outputs)


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


@dataclass(frozen=True, slots=True)
class JudgmentsReport:
    """What was stored."""

    benchmark: str
    judges: tuple[str, ...]
    cases: int  # battles, in an order, on which every judge wrote something
    new: int  # judgments stored now
    known: int


def import_judgments(database: Database, benchmark: str, judges: Sequence[str], *, into: str) -> JudgmentsReport:
    """Store what the judges replied about the battles of ``benchmark`` as the outputs of the benchmark ``into``.

    Raises UnknownName, InputError with fewer than two judges or without a case that all of them judged, and Conflict.
    """
    check_name("benchmark", into)
    if len(set(judges)) < 2:
        raise InputError("judgments are compared: name two judges or more, --judge J --judge K")
    cases: dict[str, Instruction] = {}
    replies: dict[str, dict[str, Output]] = {}
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, judges, None)
        for judged in store.battles.judged_trials(connection, benchmark_id, judges=judges):
            trial, reply = judged.trial, judged.completion
            if not isinstance(trial, Trial) or reply is None or trial.repeat:
                continue
            case = _case(trial)
            cases[case.key] = case
            replies.setdefault(case.key, {})[judged.judge] = Output(case.key, judged.judge, reply.text)
    complete = [key for key in cases if len(replies[key]) == len(set(judges))]
    if not complete:
        raise InputError("no battle was judged by all of them in the same order: name judges that read the same ones")
    with database.write() as connection:
        target = store.benchmarks.add_benchmark(connection, into)
        store.benchmarks.add_instructions(connection, target, [cases[key] for key in complete])
        for judge in sorted(set(judges)):
            store.models.add_model(connection, Model(judge))
        stored = store.models.add_outputs(
            connection, target, [each for key in complete for each in replies[key].values()]
        )
    return JudgmentsReport(into, tuple(sorted(set(judges))), len(complete), stored.new, stored.known)


def _case(trial: Trial) -> Instruction:
    shown = trial.battle.instruction
    text = f"Instruction:\n{shown.text}\n\nOutput A:\n{trial.first.whole}\n\nOutput B:\n{trial.second.whole}"
    return Instruction((text,), shown.category)
