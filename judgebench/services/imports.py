"""Importing files: recognise what each is, read it whole, store it in one transaction, audit whose outputs it brought.

What was published is evidence, a cheat among it too: an import stores it, and its audit marks it.

What a format holds decides how it is stored, so that a further format needs nothing here. ``import_judgments`` makes a
benchmark of what judges replied.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TypeVar

from judgebench import services, store
from judgebench.audits.findings import AuditReport
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.formats import Format, Sample, registry
from judgebench.formats.alpaca_eval import ALPACA_EVAL, read_alpaca_eval
from judgebench.formats.documents import read_sample
from judgebench.formats.human_labels import LabelFile
from judgebench.formats.judges_file import JUDGES, JudgesFile
from judgebench.formats.known import NOTHING, Known
from judgebench.formats.lineage_file import LineageFile
from judgebench.formats.outputs import INSTRUCTIONS, OUTPUTS, InstructionsFile, OutputsFile
from judgebench.formats.reading import ReadLimits
from judgebench.formats.registry import Contents
from judgebench.formats.rereading import is_read_otherwise
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.judging.numbering import step_ends
from judgebench.judging.templates import BESIDE, EVERYTHING, OPTIONAL, shown_key
from judgebench.records import (
    OVERALL,
    Instruction,
    Judge,
    Lineage,
    Output,
    Status,
    Trial,
    TrialResult,
    Verdict,
    check_name,
)
from judgebench.services.submissions import MessageCounts, add_read, count_messages
from judgebench.spec.templates import load_template
from judgebench.store import labels
from judgebench.store.database import Connection, Database, Stored
from judgebench.store.verdicts import VerdictWriter

_STORED_FIRST: Mapping[str, int] = {"instructions": 0, "outputs": 1}  # by what a file holds
_File = TypeVar("_File")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a file may need besides its benchmark."""

    model: str | None = None  # whose outputs these are; None: as the file says
    annotator: str | None = None  # who labelled, where the file does not say; None: the file's name
    extend: bool = False  # add instructions, and outputs that were labelled, which the benchmark lacks
    new_benchmark: bool = False  # create the benchmark although its name is hardly another's
    audit: bool = True  # audit the models whose outputs the file brings
    question: str = OVERALL  # by what people compared, where the file holds labels


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read whole and found in order."""

    file: str
    format: Format
    contents: Contents


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file brought. Counts that its format has no use for are 0."""

    file: str
    format: str  # by the registry
    benchmark: str | None  # None for lineage, which belongs to none
    new: int  # of what the format holds, what was not stored before
    known: int  # what was
    duplicate: int = 0  # rows that repeat an earlier one
    models: tuple[str, ...] = ()  # whose outputs or verdicts; of labels, whose outputs came with them
    beside: tuple[str, ...] = ()  # models that the verdicts are not about, and whose outputs came with them: a baseline
    judges: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    instructions: int = 0  # added to the benchmark by labels
    outputs: int = 0  # added to the benchmark by labels
    pairs: int = 0  # of outputs, judged or labelled
    labels: int = 0  # new ones, beside verdicts
    marks: int = 0  # new ones, of steps of outputs and places in them
    without_preference: int = 0  # verdicts for which the file records neither preference nor score
    references: int = 0  # given to instructions of the benchmark that had none
    references_left_out: int = 0  # of instructions that were judged without one
    by_id_alone: int = 0  # instructions of which file and benchmark hold an id alone, which stands in for them
    reread: int = 0  # recorded replies that our parser read again
    read_otherwise: int = 0  # verdicts that our parser reads otherwise than recorded: their details say how
    against_itself: int = 0  # rows that compare a model with itself; their outputs are stored, they are no battles
    undeclared: int = 0  # of a file of lineages: models that have none
    contradicting: int = 0  # rows in which a person or judge says something else than before: the first was kept
    without_instruction: int = 0  # outputs to instructions that the benchmark lacks: left out
    without_output: int = 0  # labels on instructions or outputs that the benchmark lacks: left out
    missing: int = 0  # instructions of the benchmark to which a model has no output, summed over the models
    empty: int = 0  # outputs that say and do nothing; they are kept
    messages: MessageCounts = field(default_factory=MessageCounts)
    unread: tuple[str, ...] = ()  # columns of labels of which nothing was taken
    unkept: Mapping[str, int] = field(default_factory=dict)  # what has no place here: how many, by what they are
    audit: AuditReport | None = None  # of its models as they are stored; None: they were not audited


def preview(path: str | PathLike[str], *, limits: ReadLimits | None = None) -> tuple[Sample, list[Format]]:
    """A file's first rows, and the formats that recognise it. Raises InputError where these rows cannot be read."""
    sample = read_sample(path, limits=limits)
    return sample, registry.candidates(sample)


def format_of(path: str | PathLike[str], as_format: str | None = None) -> Format:
    """The format named, or else the one that recognises the file. Raises UnknownName, and InputError as ``read``."""
    return registry.recognise(path) if as_format is None else registry.named(as_format)


def in_order(files: Iterable[_File], holds: Callable[[_File], Format]) -> list[_File]:
    """Files as they are stored: instructions, then outputs, then what is about these, each as they were named, so that
    later ones find by ids what earlier ones brought. ``holds``: a file's format."""
    return sorted(files, key=lambda file: _STORED_FIRST.get(holds(file).holds, len(_STORED_FIRST)))


def read(
    path: str | PathLike[str],
    *,
    as_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
    known: Known = NOTHING,
) -> ReadFile:
    """Read a file as the format named, or else as the one that recognises it. Nothing is stored.

    ``known``: what the benchmark holds that it is for, as ``services.known.of`` has it, whose instructions the file
    may name by their ids.

    Raises UnknownName for the format; InputError naming file, row and field, or the candidates where the file is not
    recognised.
    """
    chosen = registry.recognise(path, limits=limits) if as_format is None else registry.named(as_format)
    return ReadFile(str(path), chosen, registry.read(path, chosen, columns=columns, limits=limits, known=known))


def save(
    database: Database, file: ReadFile, *, benchmark: str | None = None, options: ImportOptions | None = None
) -> ImportReport:
    """Store a file in one transaction, into ``benchmark`` or its format's usual one, and audit its models.

    Storing again adds nothing.

    Raises InputError, and Conflict where something else is stored; then nothing of the file is stored.
    """
    options = options or ImportOptions()
    report = store_only(database, file, benchmark=benchmark, options=options)
    return audited(database, [report])[0] if options.audit else report


def audited(database: Database, reports: Sequence[ImportReport]) -> list[ImportReport]:
    """The reports with what an audit of their models says, as they are stored now; one audit a benchmark.

    Several files are stored first, each in its own transaction, and audited together: an audit reads all outputs of a
    benchmark.
    """
    models: dict[str, set[str]] = {}
    for report in reports:
        if report.benchmark is not None and report.models:
            models.setdefault(report.benchmark, set()).update(report.models, report.beside)
    grown = {report.benchmark for report in reports if report.new}
    audits = {
        name: services.audits.submissions.audit_stored(database, name, models[name], unchanged=name not in grown)
        for name in models
    }
    return [
        replace(report, audit=audits[report.benchmark].of_models(*report.models, *report.beside))
        if report.benchmark is not None and report.models
        else report
        for report in reports
    ]


def store_only(
    database: Database, file: ReadFile, *, benchmark: str | None = None, options: ImportOptions | None = None
) -> ImportReport:
    """``save`` without its audit, which ``audited`` makes for several files together. Raises as it does."""
    name, chosen, options = file.format.name, benchmark or file.format.benchmark, options or ImportOptions()
    if isinstance(file.contents, LineageFile):
        models = file.contents.models
        changed = services.lineage.declare(database, models)
        undeclared = sum(model.lineage == Lineage() for model in models)
        return ImportReport(file.file, name, None, changed, len(models) - undeclared - changed, undeclared=undeclared)
    if isinstance(file.contents, JudgesFile):
        return _save_judges(database, file.contents)
    if chosen is None:
        raise InputError(f"{file.file}: holds {file.format.holds}: name their benchmark by --benchmark")
    check_name("benchmark", chosen)
    _check_slip(database, chosen, new_benchmark=options.new_benchmark)
    with _named(file.file):
        report = _stored(database, file.contents, chosen, options, name)
    return replace(report, format=name, unkept=file.contents.unkept)


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Errors name the file, also those of what stores it and knows no file."""
    try:
        yield
    except InputError as error:
        if not str(error).startswith(file):
            error.args = (f"{file}: {error}",)
        raise


def _stored(
    database: Database,
    held: InstructionsFile | OutputsFile | LabelFile | VerdictsFile,
    chosen: str,
    options: ImportOptions,
    format: str,
) -> ImportReport:
    match held:
        case InstructionsFile() as contents:
            return _save_instructions(database, contents, chosen)
        case OutputsFile() as contents:
            return _save_outputs(database, contents, chosen, options)
        case LabelFile() as contents:
            return services.label_files.save_labels(
                database, contents, benchmark=chosen, annotator=options.annotator, extend=options.extend,
                question=options.question,
            )  # fmt: skip
        case VerdictsFile() as contents:
            with database.write() as connection:
                return _save_verdicts(connection, contents, chosen, format)


def import_file(
    database: Database,
    path: str | PathLike[str],
    *,
    benchmark: str | None = None,
    as_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
) -> ImportReport:
    """``read`` and ``save`` a file. Raises as they do."""
    chosen = format_of(path, as_format)
    known = services.known.of(database, benchmark or chosen.benchmark)
    file = read(path, as_format=chosen.name, columns=columns, known=known)
    return save(database, file, benchmark=benchmark, options=options)


def import_alpaca_eval(
    database: Database,
    paths: Sequence[str | PathLike[str]],
    *,
    benchmark: str = "alpaca_eval",
    new_benchmark: bool = False,
    audit: bool = True,
) -> list[ImportReport]:
    """Store AlpacaEval ``annotations.json`` files, all of them in one transaction, and audit their models. Importing
    again adds nothing.

    Raises InputError naming file, row and field, and Conflict where stored outputs differ; then nothing is stored.
    """
    check_name("benchmark", benchmark)
    _check_slip(database, benchmark, new_benchmark=new_benchmark)
    with database.write() as connection:
        files = (read_alpaca_eval(path) for path in paths)
        reports = [_save_verdicts(connection, file, benchmark, ALPACA_EVAL.name) for file in files]
    return audited(database, reports) if audit else reports


def _check_slip(database: Database, benchmark: str, *, new_benchmark: bool) -> None:
    with database.read() as connection:
        names = store.benchmarks.benchmark_names(connection)
    services.submissions.check_slip(benchmark, names, new_benchmark=new_benchmark)


def _save_instructions(database: Database, file: InstructionsFile, benchmark: str) -> ImportReport:
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        store.blobs.add(connection, file.blobs)
        instructions = [item.instruction for item in file.items]
        references = store.references.give(connection, benchmark_id, instructions)
        stored = store.benchmarks.add_instructions(connection, benchmark_id, instructions)
        if stored.new or references.given:
            _record(connection, benchmark, file.file, INSTRUCTIONS.name, instructions=stored.new)
    counts = (stored.new, stored.known, file.duplicates)
    messages = count_messages(instructions, (), file.nulls)
    return ImportReport(
        *(file.file, INSTRUCTIONS.name, benchmark, *counts),
        references=references.given,
        references_left_out=references.left_out,
        messages=messages,
    )


def _save_outputs(database: Database, file: OutputsFile, benchmark: str, options: ImportOptions) -> ImportReport:
    """As submissions, all models in one transaction."""
    parts = file.by_model() if options.model is None else {options.model: file}
    prepared = [
        services.submissions.prepare(
            database, part, benchmark=benchmark, model=model, extend=options.extend, new_benchmark=options.new_benchmark
        )
        for model, part in parts.items()
    ]
    new = {instruction.key for submission in prepared for instruction in submission.instructions}
    in_order = tuple(instruction for key, instruction in file.instructions.items() if key in new)
    first = replace(prepared[0], instructions=in_order)  # the benchmark keeps the file's order
    stored = services.submissions.save(database, first, *prepared[1:], audit=False, file=file.file)
    reports = [submission.report for submission in prepared]
    outputs = [output for submission in prepared for output in submission.outputs]
    return ImportReport(
        file=file.file,
        format=OUTPUTS.name,
        benchmark=benchmark,
        new=stored.new,
        known=stored.known,
        duplicate=file.duplicates,
        models=tuple(parts),
        without_instruction=sum(report.new for report in reports if not report.takes_new),
        missing=sum(report.missing for report in reports),
        empty=sum(report.empty for report in reports),
        marks=stored.marks,
        contradicting=stored.contradicting,
        messages=count_messages([row.instruction for row in file.outputs], outputs, file.nulls),
    )


def _save_judges(database: Database, file: JudgesFile) -> ImportReport:
    """Raises Conflict where another judge is stored under a name."""
    with database.write() as connection:
        known = {judge.name for judge in store.judges.judges(connection)}
        for judge, shows in file.judges:
            check_name("judge", judge.name)
            store.trial_keys.make_current(connection, judge, shows)
            store.judges.add_judge(connection, judge, shows)
        if fresh := [judge.name for judge, _ in file.judges if judge.name not in known]:
            about = {"file": Path(file.file).name, "format": JUDGES.name}
            store.events.record(connection, store.events.IMPORTED, "judge", ", ".join(fresh), about)
    names = tuple(judge.name for judge, _ in file.judges)
    old = len(known.intersection(names))
    return ImportReport(file.file, JUDGES.name, None, len(names) - old, old, judges=names)


def _save_verdicts(connection: Connection, file: VerdictsFile, benchmark: str, format: str) -> ImportReport:
    """Outputs, verdicts and labels; each judge's verdicts as a run that names the format."""
    read = add_read(connection, benchmark, file.outputs, file.blobs)
    benchmark_id = read.benchmark_id
    _check_cuts(connection, benchmark_id, file.verdicts)
    judges: dict[str, tuple[Judge, list[RecordedVerdict]]] = {}
    for recorded in file.verdicts:
        judges.setdefault(recorded.judge.digest, (recorded.judge, []))[1].append(recorded)
    saved = [
        _save_recorded(connection, benchmark_id, judge, verdicts, format)
        for judge, verdicts in sorted(judges.values(), key=lambda pair: pair[0].name)
    ]
    stored = [counts for counts, _ in saved]
    pairs = {(row.instruction.key, row.a.model, row.b and row.b.model) for row in file.verdicts}
    new = {"outputs": read.outputs.new, "verdicts": sum(counts.new for counts in stored)}
    new["labels"] = labels.add_labels(connection, benchmark_id, file.labels).new
    if any(new.values()):
        _record(connection, benchmark, file.file, format, **new)
    return ImportReport(
        file=file.file,
        format=format,
        benchmark=benchmark,
        judges=tuple(sorted(judge.name for judge, _ in judges.values())),
        models=file.models,
        beside=tuple(sorted({output.model for _, output in file.outputs}.difference(file.models))),
        pairs=len(pairs | {(label.instruction, label.model_a, label.model_b) for label in file.labels}),
        new=new["verdicts"],
        known=sum(counts.known for counts in stored),
        without_preference=sum(row.verdict.preference is None and row.verdict.score is None for row in file.verdicts),
        by_id_alone=file.by_id_alone,
        reread=sum(row.reading is not None for row in file.verdicts),
        read_otherwise=sum(map(is_read_otherwise, file.verdicts)),
        labels=new["labels"],
        against_itself=file.against_itself,
        contradicting=sum(contradicting for _, contradicting in saved),
        duplicate=file.duplicates,
    )


def _check_cuts(connection: Connection, benchmark_id: int, verdicts: Sequence[RecordedVerdict]) -> None:
    """Raises Conflict, naming the row, for a verdict on other steps than the output has here."""
    cut = [recorded for recorded in verdicts if recorded.cut is not None]
    keys = sorted({recorded.instruction.key for recorded in cut})
    stored = store.models.samples_to(connection, benchmark_id, keys) if keys else ()
    ends = {(key, one.model, one.sample): step_ends(one.text, one.steps) for key, _, one in stored}
    for recorded in cut:
        if recorded.cut != ends[recorded.instruction.key, recorded.a.model, recorded.a.sample]:
            raise Conflict(
                f"{recorded.place}field 'output_a_steps': the output of {recorded.a.model!r} has other steps here than "
                "where it was judged, and the verdict's score is made of those: import the outputs with their "
                "output_steps first, or these verdicts under a benchmark of their own. Nothing was stored"
            )


def _record(connection: Connection, benchmark: str, file: str, format: str, **new: int) -> None:
    """``new``: how many of what the import stored."""
    about = {"file": Path(file).name, "format": format, **new}
    store.events.record(connection, store.events.IMPORTED, "benchmark", benchmark, about)


def _save_recorded(
    connection: Connection, benchmark_id: int, judge: Judge, verdicts: Sequence[RecordedVerdict], format: str
) -> tuple[Stored, int]:
    """Store recorded verdicts that are not stored yet as one run; where all are, there is no run. And how many say
    something else than is stored, which is kept."""
    check_name("judge", judge.name)
    shows = store.judges.shows(connection, judge)
    if shows is None:
        shows = _shown_by(judge)
        store.trial_keys.make_current(connection, judge, shows)
    judge_id = store.judges.add_judge(connection, judge, shows)
    results = _results(connection, benchmark_id, verdicts, shows)
    known = store.verdicts.outcomes(connection, benchmark_id, [result.trial_key for result in results])
    fresh = [result for result in results if _is_fresh(result, known.get(result.trial_key, ()))]
    contradicting = sum(_contradicts(result, known.get(result.trial_key, ())) for result in results)
    if not fresh:
        return Stored(0, len(results)), contradicting
    run = store.runs.start_run(
        connection, benchmark_id=benchmark_id, judge_id=judge_id, kind="import", specification={"format": format}
    )
    stored = VerdictWriter(connection, run).add(connection, fresh)
    store.runs.finish_run(connection, run)
    return Stored(stored.new, len(results) - stored.new), contradicting


def _is_fresh(result: TrialResult, known: Sequence[store.verdicts.StoredOutcome]) -> bool:
    """Whether the trial has no answer yet: none at all, or failures where this is none."""
    failed = bool(known) and known[-1][0] is Status.FAILED
    return not known or (failed and result.verdict.status is not Status.FAILED)


def _contradicts(result: TrialResult, known: Sequence[store.verdicts.StoredOutcome]) -> bool:
    """Whether it says something else than every revision of an answer that is stored."""
    verdict = result.verdict
    if verdict.status is Status.FAILED or _is_fresh(result, known):
        return False
    return not any(_is_said(verdict, outcome) for outcome in known)


def _is_said(verdict: Verdict, outcome: store.verdicts.StoredOutcome) -> bool:
    """Whether a stored revision says all that the verdict says; of a file without goals or spans nothing is missing."""
    if (verdict.status, verdict.preference, verdict.score) != outcome[:3]:
        return False
    return verdict.goals in ((), outcome.goals) and verdict.spans in ((), outcome.spans)


def _shown_by(judge: Judge) -> tuple[str, ...]:
    """What of an instruction beside its conversation the judge was shown; all of it where its template is not here, so
    that no two references are taken for one."""
    if judge.template.endswith(".md"):  # a path that a file names is not opened
        return EVERYTHING
    try:
        template = load_template(judge.template)
    except (UnknownName, InputError):
        return EVERYTHING
    return template.shows if template.digest == judge.template_digest else EVERYTHING


def _results(
    connection: Connection, benchmark_id: int, verdicts: Sequence[RecordedVerdict], shows: Sequence[str]
) -> list[TrialResult]:
    """With the keys that trials of the benchmark have. Raises Conflict where a judge was shown another reference or
    checklist than the benchmark's."""
    if not shows:
        return [recorded.result for recorded in verdicts]
    instructions = {row.key: row for row in store.benchmarks.instructions(connection, benchmark_id)}
    for recorded in verdicts:
        for name in OPTIONAL.intersection(shows):
            value, stored = (getattr(of, name) for of in (recorded.instruction, instructions[recorded.instruction.key]))
            if value and value != stored:
                raise Conflict(
                    f"{recorded.place}field {name!r}: judge {recorded.judge.name!r} was shown another {name} than the "
                    "benchmark holds for this instruction: import these verdicts under a benchmark of their own"
                )
    known: dict[tuple[str, str, int], Output] = {}
    if not BESIDE.isdisjoint(shows):
        samples = store.models.samples_to(connection, benchmark_id, sorted({row.instruction.key for row in verdicts}))
        known = {(key, output.model, output.sample): output for key, _, output in samples}
    return [_as_shown(recorded, instructions[recorded.instruction.key], known, shows) for recorded in verdicts]


def _as_shown(
    recorded: RecordedVerdict,
    instruction: Instruction,
    stored: Mapping[tuple[str, str, int], Output],
    shows: Sequence[str],
) -> TrialResult:
    """``stored``: outputs, with what stands beside them, where that is shown."""
    sides = [output for output in (recorded.a, recorded.b) if output is not None]
    known = [stored.get((instruction.key, output.model, output.sample), output) for output in sides]
    return recorded.result_shown(shown_key(instruction, shows, known))


@dataclass(frozen=True, slots=True)
class JudgmentsReport:
    """What was stored."""

    benchmark: str
    judges: tuple[str, ...]
    cases: int  # battles, in an order, on which every judge wrote something
    new: int  # judgments stored now
    known: int


def import_judgments(
    database: Database, benchmark: str, judges: Sequence[str], *, into: str, new_benchmark: bool = False
) -> JudgmentsReport:
    """Store what the judges replied about the battles of ``benchmark`` as the outputs of the benchmark ``into``.

    They are not audited: replies hold verdicts, and speak of outputs, by their nature.

    Raises UnknownName, InputError with fewer than two judges or without a case that all of them judged, and Conflict.
    """
    check_name("benchmark", into)
    _check_slip(database, into, new_benchmark=new_benchmark)
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
        read = [(cases[key], reply) for key in complete for reply in replies[key].values()]
        stored = add_read(connection, into, read).outputs
        if stored.new:
            about = {"judges": sorted(set(judges)), "outputs": stored.new}
            store.events.record(connection, store.events.IMPORTED, "benchmark", into, about)
    return JudgmentsReport(into, tuple(sorted(set(judges))), len(complete), stored.new, stored.known)


CASE = "Instruction:\n"  # as an instruction begins that is made of a battle


def _case(trial: Trial) -> Instruction:
    shown = trial.battle.instruction
    text = f"{CASE}{shown.visible}\n\nOutput A:\n{trial.first.visible}\n\nOutput B:\n{trial.second.visible}"
    return Instruction((text,), shown.category)
