"""Submitting a model's outputs: match them with a benchmark's instructions, audit, report, then store all or nothing.

Whatever stores outputs that were made elsewhere does it here: ``save`` where somebody may still say no, ``add_read``
where a file of verdicts or labels brings outputs with it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench import services, store
from judgebench.audits import SUBMISSIONS
from judgebench.audits.findings import AuditReport
from judgebench.conversations import Blob, Media, Message, Opaque, Part, Reasoning, anchored, held_files
from judgebench.counts import count
from judgebench.errors import Conflict, InputError
from judgebench.formats.form_files import with_source
from judgebench.formats.outputs import OutputRow, OutputsFile
from judgebench.formats.reading import ReadLimits
from judgebench.records import Instruction, Lineage, Model, Output, check_name
from judgebench.store.database import Connection, Database, Stored
from judgebench.store.marks import StoredMarks

if TYPE_CHECKING:
    from judgebench.services.placement import Placement


UPLOAD_BYTES = 64 << 20  # of a file that is sent to a server, as it is sent
UPLOAD_LIMITS = ReadLimits(file_bytes=512 << 20, row_chars=16 << 20, rows=200_000)


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """What instructions and outputs hold beside texts."""

    samples: int = 0  # outputs beyond a model's first to an instruction
    conversations: int = 0  # instructions and outputs that are more than a user's texts and the replies to them
    images: int = 0  # held, each once; judges are shown them by templates that show images
    not_shown: Mapping[str, int] = field(default_factory=dict)  # parts that no judge is shown, by their kind
    nulls: int = 0  # of calls and tools that a Parquet file had added, left out


@dataclass(frozen=True, slots=True)
class MatchReport:
    """How a submission meets a benchmark; counts of instructions."""

    benchmark: str
    model: str
    creates_benchmark: bool
    new: int  # not in the benchmark
    takes_new: bool  # whether the new ones are added to the benchmark; otherwise they are left out
    matched: int  # in the benchmark and in the submission
    missing: int  # in the benchmark, not in the submission
    duplicate: int  # outputs that repeat an earlier one
    empty: int  # outputs that say and do nothing; they are kept
    messages: MessageCounts = field(default_factory=MessageCounts)
    model_exists: bool = False  # it is stored, or is the LLM of a judge
    outputs_new: int = 0  # not stored yet
    declares_lineage: bool = False  # one that is not stored yet
    audit: AuditReport | None = None  # of the model as it will be stored; None: it was not audited
    placement: "Placement | None" = None  # where it landed, where it was to be ranked

    @property
    def changes_model(self) -> bool:
        """Whether storing it adds something to a model that exists already, which may be somebody else's."""
        return self.model_exists and (self.outputs_new > 0 or self.declares_lineage)

    @property
    def changes_benchmark(self) -> bool:
        """Whether storing it adds instructions to a benchmark that exists already, on which others are measured."""
        return self.takes_new and self.new > 0 and not self.creates_benchmark


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that passed every check, ready to be stored."""

    report: MatchReport
    model: Model
    instructions: tuple[Instruction, ...]  # to add to the benchmark
    outputs: tuple[Output, ...]
    blobs: Mapping[str, Blob] = field(default_factory=dict)  # files that these hold, by digest
    among: tuple[str, ...] = ()  # benchmarks of which whoever submits may know; empty: all


def prepare(
    database: Database,
    submission: OutputsFile,
    *,
    benchmark: str,
    model: str,
    lineage: Lineage | None = None,
    extend: bool = False,
    new_benchmark: bool = False,
) -> Prepared:
    """Match one model's submission with a benchmark; nothing is written.

    A benchmark that is not there is created. Where its name is hardly another's, that needs ``new_benchmark``, so that
    a mistyped name does not become a benchmark. Instructions that an existing benchmark lacks are left out and counted,
    unless ``extend`` adds them: whoever submits does not change silently what everybody is measured on.

    Raises InputError for outputs of several models, an unusable name, or one that looks mistyped, and for an id that is
    another instruction's than the row's text.
    """
    check_name("benchmark", benchmark)
    check_name("model", model)
    _check_one_model(submission)
    declared = Model(model, lineage or Lineage())
    with database.read() as connection:
        names = store.benchmarks.benchmark_names(connection)
        exists, declares = _meets(connection, declared)
        places_stored: set[tuple[str, int]] = set()
        creates = benchmark not in names
        check_slip(benchmark, names, new_benchmark=new_benchmark)
        known: set[str] = set()
        keys = dict.fromkeys(row.instruction.key for row in submission.outputs)
        instructions = {key: submission.instructions[key] for key in keys}
        places = instructions
        if not creates:
            benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
            known = set(store.benchmarks.instruction_ids(connection, benchmark_id))
            places_stored = store.models.places_of(connection, benchmark_id, model)
            if any(is_of_messages(row.instruction, row.output, row.form) for row in submission.outputs):
                places = instructions | stored_instructions(connection, benchmark_id)
            check = services.known.IdCheck(connection, benchmark_id, adds=extend)
            check.check((row.place, row.instruction) for row in submission.outputs)
    takes_new = creates or extend
    new = tuple(question for key, question in instructions.items() if key not in known)
    kept = [row for row in submission.outputs if takes_new or row.instruction.key in known]
    matched = len(instructions) - len(new)
    if not kept:
        raise InputError(
            f"{submission.file}: of its {count(len(instructions), 'instruction')} none is in benchmark {benchmark!r}: "
            "is it the right benchmark? --extend adds them to it"
        )
    report = MatchReport(
        benchmark=benchmark,
        model=model,
        creates_benchmark=creates,
        new=len(new),
        takes_new=takes_new,
        matched=matched,
        missing=len(known) - matched,
        duplicate=submission.duplicates,
        empty=submission.empty,
        messages=count_messages([row.instruction for row in kept], [row.output for row in kept], submission.nulls),
        model_exists=exists,
        outputs_new=len({(row.instruction.key, row.output.sample) for row in kept} - places_stored),
        declares_lineage=declares,
    )
    outputs = tuple(
        replace(
            fitted(row.output, row.instruction, places[row.instruction.key], submission.blobs, form=row.form),
            model=model,
        )
        for row in kept
    )
    if not creates:
        _check_steps(database, benchmark, kept, outputs)
    added = new if takes_new else ()
    files = held_files(_messages(added, outputs))
    blobs = {digest: submission.blobs[digest] for digest in files if digest in submission.blobs}
    return Prepared(report, declared, added, outputs, blobs)


def _check_steps(database: Database, benchmark: str, rows: Sequence[OutputRow], outputs: Sequence[Output]) -> None:
    """Raises InputError, naming the row, for steps of an output that was judged in others."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        judged = store.marks.judged_otherwise(connection, benchmark_id, outputs)
    if judged is not None:
        at = next(at for at, output in enumerate(outputs) if output is judged.output)
        raise InputError(f"{rows[at].place}, field 'output_steps': {judged}")


def known_among(database: Database, prepared: Prepared, benchmarks: tuple[str, ...]) -> Prepared:
    """The same for whoever may know of these ``benchmarks`` alone: a model that only others have is as one that nobody
    has."""
    with database.read() as connection:
        exists, _ = _meets(connection, prepared.model, benchmarks)
    return replace(prepared, report=replace(prepared.report, model_exists=exists), among=benchmarks)


def _meets(connection: Connection, model: Model, among: Sequence[str] = ()) -> tuple[bool, bool]:
    """Whether the model exists already, on one of the benchmarks ``among`` all, and whether it comes with a lineage
    that is not stored."""
    stored = store.models.lineages(connection)
    if among:
        llms, models = (of(connection, among) for of in (store.scopes.llms_of, store.scopes.models_of))
    else:
        llms, models = [judge.model for judge in store.judges.judges(connection)], [*stored]
    exists = model.name in models or model.name in llms
    return exists, store.models.declares(model.lineage, stored.get(model.name, Lineage()))


def with_audit(database: Database, prepared: Prepared) -> Prepared:
    """The submission with what an audit finds in it beside what is stored; nothing is written."""
    report = replace(prepared.report, audit=services.audits.submissions.audit_prepared(database, prepared))
    return replace(prepared, report=report)


def is_of_messages(instruction: Instruction, output: Output, form: str = "") -> bool:
    """Whether they were read from messages, which say more than the texts that were said."""
    return bool(form) or instruction.full is not None or output.trajectory is not None


def stored_instructions(connection: Connection, benchmark: int) -> dict[str, Instruction]:
    """By their keys."""
    return {row.key: row for row in store.benchmarks.instructions(connection, benchmark)}


def fitted(
    output: Output, read: Instruction, stored: Instruction, blobs: Mapping[str, Blob], *, form: str = ""
) -> Output:  # fmt: skip
    """The output with its places in the instruction as it is stored, and with its own source of it where that is lost.

    ``read``: the instruction as it stood beside the output. ``form``: that it was read in.
    """
    trajectory = output.trajectory
    if trajectory is not None and any(segment.given for segment in trajectory.segments):
        output = replace(output, trajectory=anchored(trajectory, stored.conversation.messages))
    source = read.full if trajectory is None or trajectory.source is None else trajectory.source
    if source is None and stored.full is not None and form:
        source = replace(read.conversation, form=form)
    return output if source is None else with_source(output, source, stored, blobs)


def count_messages(instructions: Iterable[Instruction], outputs: Sequence[Output], nulls: int = 0) -> MessageCounts:
    """What they hold; an instruction that occurs twice counts once."""
    distinct = {instruction.key: instruction for instruction in instructions}.values()
    messages = _messages(distinct, outputs)
    parts = [part for message in messages for part in message.parts]
    kinds = Counter(kind for part in parts if (kind := _hidden_kind(part)) is not None)
    images = {part.digest for part in parts if isinstance(part, Media) and part.kind == "image"}
    return MessageCounts(
        samples=sum(output.sample > 0 for output in outputs),
        conversations=sum(not row.plain for row in distinct) + sum(not output.plain for output in outputs),
        images=len(images - {None}),
        not_shown=dict(sorted(kinds.items())),
        nulls=nulls,
    )


def _messages(instructions: Iterable[Instruction], outputs: Iterable[Output]) -> list[Message]:
    """All that they hold, without those that are but texts."""
    held = [instruction.full for instruction in instructions] + [output.trajectory for output in outputs]
    return [message for whole in held if whole is not None for message in whole.messages]


def _hidden_kind(part: Part) -> str | None:
    """The kind of a part that no judge is shown; None where it is shown."""
    match part:
        case Media(kind="image", digest=str()):
            return None
        case Media() | Opaque():
            return part.kind
        case Reasoning():
            return "reasoning"
        case _:
            return None


def _check_one_model(submission: OutputsFile) -> None:
    named = [row for row in submission.outputs if row.model is not None]
    other = next((row for row in named if row.model != named[0].model), None)
    if other is not None:
        raise other.place.error(
            f"an output of {other.model!r}, but {named[0].place.unit} {named[0].place.number} is one of "
            f"{named[0].model!r}; submit one model at a time, or store them all by judgebench import"
        )


def check_slip(benchmark: str, names: Sequence[str], *, new_benchmark: bool = False) -> None:
    """Raises InputError where a benchmark that is not among ``names`` is hardly another than one that is.

    Case does not tell two names apart, nor does the order of their letters; digits do.
    """
    if new_benchmark or benchmark in names:
        return
    folded = {other.casefold(): other for other in names if _digits(other) == _digits(benchmark)}
    name = benchmark.casefold()
    near = get_close_matches(name, folded, n=1, cutoff=0.8) or [
        other for other in folded if sorted(other) == sorted(name)
    ]
    if near:
        raise InputError(
            f"unknown benchmark {benchmark!r}: did you mean {folded[near[0]]!r}? If not, say that it is a new "
            "benchmark (--new-benchmark, new_benchmark=True)"
        )


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name)


def save(
    database: Database,
    *submissions: Prepared,
    audit: bool = True,
    accept_findings: bool = False,
    change_existing: bool = True,
    file: str | None = None,
) -> "Saved":
    """Write prepared submissions and their audits in one transaction; what was stored before is counted as known.

    ``audit``: audit those that were not; without it they stay unaudited, and leaderboards say so. An audit knows how
    many outputs it looked at: where another process has stored some of the model meanwhile, it counts as stale.
    ``change_existing``: whether models that exist already may be given outputs and a lineage, and benchmarks
    instructions.
    ``file``: from which they are imported; the log then has an import, else a submission.

    Raises InputError for a severe finding unless ``accept_findings``, and Conflict when a model is stored with other
    outputs, or a model or benchmark exists already and may not be changed; then nothing is written.
    """
    if audit:
        submissions = tuple(
            with_audit(database, prepared) if prepared.report.audit is None else prepared for prepared in submissions
        )
    if not accept_findings:
        _refuse_severe([prepared.report for prepared in submissions])
    new = known = 0
    marks = StoredMarks()
    with database.write() as connection:
        fixed = frozenset() if change_existing else frozenset(store.benchmarks.benchmark_names(connection))
        for prepared in submissions:
            stored, beside = _write(connection, prepared, fixed, change_models=change_existing)
            new, known, marks = new + stored.new, known + stored.known, marks + beside
        if new or marks.new or marks.given:
            _record(connection, submissions, new, marks.new, file)
    return Saved(new, known, marks.new, marks.contradicting)


@dataclass(frozen=True, slots=True)
class Saved(Stored):
    """What became of submissions."""

    marks: int = 0  # new ones, of steps of outputs and places in them
    contradicting: int = 0  # annotators' marks of an output that say something else than stored ones: left out


def _write(
    connection: Connection, prepared: Prepared, fixed: Collection[str], *, change_models: bool
) -> tuple[Stored, StoredMarks]:
    """``fixed``: benchmarks that are given no instructions. Others may have been stored since it was prepared."""
    benchmark = prepared.report.benchmark
    benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
    store.blobs.add(connection, prepared.blobs)
    if store.benchmarks.add_instructions(connection, benchmark_id, prepared.instructions).new and benchmark in fixed:
        raise Conflict(f"benchmark {benchmark!r} exists already, and may not be given instructions by this")
    exists, declares = _meets(connection, prepared.model, prepared.among)
    store.models.add_model(connection, prepared.model)
    stored = store.models.add_outputs(connection, benchmark_id, prepared.outputs)
    marks = store.marks.take(connection, benchmark_id, prepared.outputs)
    if exists and not change_models and (stored.new or declares or marks.new or marks.given):
        raise Conflict(f"model {prepared.model.name!r} exists already, and may not be changed by this")
    if prepared.report.audit is not None:
        of_submissions = services.audits.registry.AUDITS[SUBMISSIONS]
        services.audits.results.keep_with(connection, benchmark_id, of_submissions, prepared.report.audit)
    return stored, marks


def _record(connection: Connection, submissions: Sequence[Prepared], new: int, marks: int, file: str | None) -> None:
    """One event, whatever the number of models."""
    about: dict[str, Any] = {"models": [prepared.model.name for prepared in submissions], "outputs": new}
    about |= {"marks": marks} if marks else {}
    action = store.events.SUBMITTED
    if file is not None:
        action, about["file"] = store.events.IMPORTED, Path(file).name
    store.events.record(connection, action, "benchmark", submissions[0].report.benchmark, about)


def _refuse_severe(reports: Iterable[MatchReport]) -> None:
    severe = [finding for report in reports if report.audit is not None for finding in report.audit.severe]
    if severe:
        rules = ", ".join(sorted({finding.rule for finding in severe}))
        models = ", ".join(sorted({finding.model for finding in severe}))
        raise InputError(
            f"nothing was stored: the audit of {models} has high findings ({rules}). Are these the outputs? If so, "
            "say that they are to be stored and marked (--accept-findings, accept_findings=True)"
        )


@dataclass(frozen=True, slots=True)
class Added:
    """What was stored of exchanges that were read together."""

    benchmark_id: int
    instructions: Stored
    outputs: Stored


def add_read(
    connection: Connection,
    benchmark: str,
    read: Sequence[tuple[Instruction, Output]],
    blobs: Mapping[str, Blob] | None = None,
) -> Added:
    """Store outputs, each with its instruction as it was read, and what they lack: benchmark, instructions, models.

    An output may be one to another instruction than it was read with, which is stored already.

    Raises InputError for an unusable name, and Conflict when a model is stored with other outputs.
    """
    benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
    store.blobs.add(connection, blobs or {})
    own = [instruction for instruction, output in read if instruction.key == output.instruction]
    instructions = store.benchmarks.add_instructions(connection, benchmark_id, own)
    for name in sorted({output.model for _, output in read}):
        check_name("model", name)
        store.models.add_model(connection, Model(name))
    fitting = _fitted(connection, benchmark_id, read, blobs or {})
    outputs = store.models.add_outputs(connection, benchmark_id, fitting)
    store.marks.take(connection, benchmark_id, fitting)
    return Added(benchmark_id, instructions, outputs)


def _fitted(
    connection: Connection, benchmark_id: int, read: Sequence[tuple[Instruction, Output]], blobs: Mapping[str, Blob]
) -> list[Output]:
    """The outputs as they go with the instructions that are stored."""
    if not any(is_of_messages(instruction, output) for instruction, output in read):
        return [output for _, output in read]
    stored = stored_instructions(connection, benchmark_id)
    return [fitted(output, instruction, stored[output.instruction], blobs) for instruction, output in read]
