"""Importing files: recognise what each is, read it whole, store it in one transaction.

What a format holds decides how it is stored, so that a further format needs nothing here. ``import_judgments`` makes a
benchmark of what judges replied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike

from judgebench import services, store
from judgebench.errors import InputError
from judgebench.formats import Format, registry
from judgebench.formats.alpaca_eval import ALPACA_EVAL, read_alpaca_eval
from judgebench.formats.human_labels import LabelFile
from judgebench.formats.lineage_file import LineageFile
from judgebench.formats.outputs import InstructionsFile, OutputsFile
from judgebench.formats.reading import NamedPath, ReadLimits
from judgebench.formats.registry import Contents
from judgebench.formats.verdicts import VerdictsFile
from judgebench.records import Instruction, Judge, Model, Output, Trial, TrialResult, check_name
from judgebench.store import labels
from judgebench.store.database import Connection, Database, Stored
from judgebench.store.verdicts import VerdictWriter

__all__ = ["NamedPath", "ReadLimits"]  # for the app, which knows services alone


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a file may need besides its benchmark."""

    model: str | None = None  # whose outputs these are; None: as the file says
    annotator: str | None = None  # who labelled, where the file does not say; None: the file's name
    extend: bool = False  # add instructions, and outputs that were labelled, which the benchmark lacks
    new_benchmark: bool = False  # create the benchmark although its name is hardly another's


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read whole and found in order."""

    file: str
    format: Format
    contents: Contents


@dataclass(frozen=True, slots=True)
class InstructionsReport:
    """What became of a file of instructions."""

    file: str
    benchmark: str
    new: int
    known: int
    duplicate: int  # rows that repeat an earlier one


@dataclass(frozen=True, slots=True)
class OutputsReport:
    """What became of a file of outputs."""

    file: str
    benchmark: str
    models: tuple[services.submissions.MatchReport, ...]
    new: int  # outputs that were not stored before
    known: int  # that were
    findings: int  # of the audit of submissions


@dataclass(frozen=True, slots=True)
class VerdictsReport:
    """What became of a file of recorded verdicts."""

    file: str
    benchmark: str
    judges: tuple[str, ...]
    models: tuple[str, ...]  # under evaluation
    pairs: int  # of outputs, judged or labelled
    new: int  # verdicts that were not stored before
    known: int  # verdicts that were
    without_preference: int  # verdicts among them for which the file records neither preference nor score
    labels: int  # labels that were not stored before
    against_itself: int  # rows that compare a model with itself; their outputs are stored, they are no battles
    duplicate: int  # rows that repeat an earlier one


@dataclass(frozen=True, slots=True)
class LineageReport:
    """What became of a file of lineages."""

    file: str
    declared: int
    changed: int  # models whose lineage the file changed


Report = InstructionsReport | OutputsReport | VerdictsReport | services.labels.LabelReport | LineageReport


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was stored."""

    file: str
    format: str  # by the registry
    report: Report


def read(
    path: str | PathLike[str],
    *,
    as_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
) -> ReadFile:
    """Read a file as the format named, or else as the one that recognises it. Nothing is stored.

    Raises UnknownName for the format; InputError naming file, row and field, or the candidates where the file is not
    recognised.
    """
    chosen = registry.recognise(path, limits=limits) if as_format is None else registry.named(as_format)
    return ReadFile(str(path), chosen, registry.read(path, chosen, columns=columns, limits=limits))


def save(
    database: Database, file: ReadFile, *, benchmark: str | None = None, options: ImportOptions | None = None
) -> Imported:
    """Store a file in one transaction, into ``benchmark`` or its format's usual one. Storing again adds nothing.

    Raises InputError, and Conflict where something else is stored; then nothing of the file is stored.
    """
    chosen = benchmark or file.format.benchmark or ""
    options = options or ImportOptions()
    report: Report
    if isinstance(file.contents, LineageFile):
        models = file.contents.models
        report = LineageReport(file.file, len(models), services.lineage.declare(database, models))
        return Imported(file.file, file.format.name, report)
    if not chosen:
        raise InputError(f"{file.file}: holds {file.format.holds}: name their benchmark by --benchmark")
    check_name("benchmark", chosen)
    match file.contents:
        case InstructionsFile() as contents:
            report = _save_instructions(database, contents, chosen)
        case OutputsFile() as contents:
            report = _save_outputs(database, contents, chosen, options)
        case LabelFile() as contents:
            report = services.labels.save_labels(
                database, contents, benchmark=chosen, annotator=options.annotator, extend=options.extend
            )
        case VerdictsFile() as contents:
            with database.write() as connection:
                report = _save_verdicts(connection, contents, chosen, source=file.format.name)
    return Imported(file.file, file.format.name, report)


def import_file(
    database: Database,
    path: str | PathLike[str],
    *,
    benchmark: str | None = None,
    as_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
) -> Imported:
    """``read`` and ``save`` a file. Raises as they do."""
    return save(database, read(path, as_format=as_format, columns=columns), benchmark=benchmark, options=options)


def import_alpaca_eval(
    database: Database, paths: Sequence[str | PathLike[str]], *, benchmark: str = "alpaca_eval"
) -> list[VerdictsReport]:
    """Store AlpacaEval ``annotations.json`` files, all of them in one transaction. Importing again adds nothing.

    Raises InputError naming file, row and field, and Conflict where stored outputs differ; then nothing is stored.
    """
    check_name("benchmark", benchmark)
    with database.write() as connection:
        files = (read_alpaca_eval(path) for path in paths)
        return [_save_verdicts(connection, file, benchmark, source=ALPACA_EVAL.name) for file in files]


def _save_instructions(database: Database, file: InstructionsFile, benchmark: str) -> InstructionsReport:
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        stored = store.benchmarks.add_instructions(connection, benchmark_id, [item.instruction for item in file.items])
    return InstructionsReport(file.file, benchmark, stored.new, stored.known, file.duplicates)


def _save_outputs(database: Database, file: OutputsFile, benchmark: str, options: ImportOptions) -> OutputsReport:
    """As submissions, all models in one transaction, with what audits find in each."""
    parts = file.by_model() if options.model is None else {options.model: file}
    prepared = [
        services.submissions.prepare(
            database, part, benchmark=benchmark, model=model, extend=options.extend, new_benchmark=options.new_benchmark
        )
        for model, part in parts.items()
    ]
    audits = [services.audits.submissions.audit_prepared(database, submission) for submission in prepared]
    new = {instruction.key for submission in prepared for instruction in submission.instructions}
    in_order = {row.instruction.key: row.instruction for row in file.outputs if row.instruction.key in new}
    first = replace(prepared[0], instructions=tuple(in_order.values()))  # the benchmark keeps the file's order
    stored = services.submissions.save(database, first, *prepared[1:])
    for submission, audit in zip(prepared, audits, strict=True):
        services.audits.submissions.keep_prepared(database, submission, audit)
    reports = tuple(submission.report for submission in prepared)
    findings = sum(len(audit.findings) for audit in audits)
    return OutputsReport(file.file, benchmark, reports, stored.new, stored.known, findings)


def _save_verdicts(connection: Connection, file: VerdictsFile, benchmark: str, *, source: str) -> VerdictsReport:
    """Outputs, verdicts and labels; ``source``: what the runs are said to come from."""
    benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
    store.benchmarks.add_instructions(connection, benchmark_id, [instruction for instruction, _ in file.outputs])
    for name in sorted({output.model for _, output in file.outputs}):
        check_name("model", name)
        store.models.add_model(connection, Model(name))
    store.models.add_outputs(connection, benchmark_id, [output for _, output in file.outputs])
    judges: dict[str, tuple[Judge, list[TrialResult]]] = {}
    for recorded in file.verdicts:
        judges.setdefault(recorded.judge.digest, (recorded.judge, []))[1].append(recorded.result)
    stored = [
        _save_recorded(connection, benchmark_id, judge, results, source=source)
        for judge, results in sorted(judges.values(), key=lambda pair: pair[0].name)
    ]
    pairs = {(row.instruction.key, row.a.model, row.b and row.b.model) for row in file.verdicts}
    return VerdictsReport(
        file=file.file,
        benchmark=benchmark,
        judges=tuple(sorted(judge.name for judge, _ in judges.values())),
        models=file.models,
        pairs=len(pairs | {(label.instruction, label.model_a, label.model_b) for label in file.labels}),
        new=sum(counts.new for counts in stored),
        known=sum(counts.known for counts in stored),
        without_preference=sum(row.verdict.preference is None and row.verdict.score is None for row in file.verdicts),
        labels=labels.add_labels(connection, benchmark_id, file.labels).new,
        against_itself=file.against_itself,
        duplicate=file.duplicates,
    )


def _save_recorded(
    connection: Connection, benchmark_id: int, judge: Judge, results: Sequence[TrialResult], *, source: str
) -> Stored:
    """Store recorded verdicts that are not stored yet as one run; where all are, there is no run."""
    check_name("judge", judge.name)
    judge_id = store.judges.add_judge(connection, judge)
    known = store.verdicts.revisions(connection, [result.trial_key for result in results])
    if all(result.trial_key in known for result in results):
        return Stored(0, len(results))
    run = store.runs.start_run(
        connection, benchmark_id=benchmark_id, judge_id=judge_id, kind="import", specification={"format": source}
    )
    stored = VerdictWriter(connection, run).add(connection, results)
    store.runs.finish_run(connection, run)
    return stored


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
            connection, target, [reply for key in complete for reply in replies[key].values()]
        )
    return JudgmentsReport(into, tuple(sorted(set(judges))), len(complete), stored.new, stored.known)


def _case(trial: Trial) -> Instruction:
    shown = trial.battle.instruction
    text = f"Instruction:\n{shown.text}\n\nOutput A:\n{trial.first.whole}\n\nOutput B:\n{trial.second.whole}"
    return Instruction((text,), shown.category)
