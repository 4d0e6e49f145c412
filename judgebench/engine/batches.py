"""Pending trials as batch files, and their submission to a server: what is exported is awaited, and asked nowhere else.

A batch is named before its file exists. The name stands in every question's id and in the server's metadata, so its
results find their trials in any order, and a submission that was cut off before it was stored is found at the server.
"""

import json
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

from judgebench import store
from judgebench.audits.defences import SETTING
from judgebench.clients.base import Price, cost_usd
from judgebench.clients.batch_api import BatchServer
from judgebench.clients.dialect import with_system_role
from judgebench.clients.providers import provider_of
from judgebench.clients.replies import chat_completion
from judgebench.counts import count
from judgebench.engine.claims import is_gone
from judgebench.engine.judges import access_of, tell_sent, template_of
from judgebench.engine.plan import RunPlan, plan, planned_trials, unasked_verdict
from judgebench.engine.run import failed, result_of, start_run
from judgebench.engine.runner import run_async
from judgebench.engine.trial_images import TrialImages
from judgebench.errors import BadReply, Conflict, InputError
from judgebench.formats.batch_files import BatchFile, BatchResult, digest_of, first_id, question_line, read_results
from judgebench.judging.parsing import parse
from judgebench.judging.pictures import beyond_request
from judgebench.judging.templates import Template, make_nonce, render, sides
from judgebench.judging.visibility import not_shown
from judgebench.records import ChatPrompt, Reading, Status, Trial, TrialResult
from judgebench.spec import JudgeSpec, Study, make
from judgebench.spec.connection import laid_over
from judgebench.spec.remembered import without_programs
from judgebench.store import runs
from judgebench.store.benchmarks import stored_outputs
from judgebench.store.database import Connection, Database
from judgebench.store.verdicts import VerdictWriter

_LOOK_UP = 400  # trials looked up at once
_CHUNK = 500  # results read at once


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Of one batch file; OpenAI takes at most these."""

    requests: int = 50_000
    mebibytes: int = 190  # of 200 MB


@dataclass(frozen=True, slots=True)
class ExportedBatch:
    """A batch and its file."""

    batch: str
    file: str
    requests: int
    bytes: int


@dataclass(slots=True)
class ExportReport:
    """What became of a study's trials; ``planned`` is the sum of the six after it."""

    planned: int = 0
    answered: int = 0  # that have a verdict already
    taken_over: int = 0  # that had one on another benchmark, and have it here from now on
    identical: int = 0  # decided now, without a question
    awaited: int = 0  # that an earlier batch asks, or a run that goes on
    unseen: int = 0  # that cannot be judged: the outputs differ only in what the template does not show
    exported: int = 0
    not_shown: dict[str, int] = field(default_factory=dict)  # parts that the questions do not show, by kind
    files: list[ExportedBatch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """A batch at its server."""

    batch: str
    server_id: str
    status: str  # as the server says; "" where it was not asked
    new: bool  # False: it was there already


def export(database: Database, study: Study, target: Path, *, limits: FileLimits | None = None) -> ExportReport:
    """Write the study's pending trials into ``target``, and into numbered files beside it where one is too small.

    Trials that an open batch asks are left out. Raises InputError where a batch cannot ask them, or a file exists.
    """
    planned = plan(database, study)
    _check(planned)
    if not target.absolute().parent.is_dir():
        raise InputError(f"the folder of {target} does not exist: create it first")
    exporting = _Export(database, planned, limits or FileLimits())
    exporting.write(target)
    return exporting.report


def submit(
    database: Database, path: Path, *, environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> SubmittedBatch:
    """``submitting`` in an event loop of its own."""
    return run_async(submitting(database, path, environment=environment, given=given))


async def submitting(
    database: Database, path: Path, *, environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> SubmittedBatch:
    """Hand a batch file to its judge's server. Doing it again finds the batch that is there, and submits nothing.

    ``given``: fields of the judge, laid over those that the batch remembers.

    Raises InputError where the file is not the one that was exported, and JudgeError when the server refuses.
    """
    name = first_id(path).partition(".")[0]
    with database.read() as connection:
        known = runs.batch(connection, name)
    if digest_of(path) != known.digest:
        raise InputError(f"{path} was changed after it was exported: results would not belong to its trials")
    if known.server_id is not None:
        return SubmittedBatch(name, known.server_id, "", new=False)
    server = server_of(known, environment, given or {})
    try:
        there = await server.find(name)
        batch = there or await server.submit(path, name)
    finally:
        await server.close()
    with database.write() as connection:
        runs.set_submitted(connection, known, batch.id)
        store.events.record(connection, store.events.SUBMITTED, "batch", name, {"file": path.name})
    return SubmittedBatch(name, batch.id, batch.status, new=there is None)


def study_of(batch: runs.Batch) -> Study:
    """The study whose trials the batch asks."""
    return make(Study, json.loads(batch.specification), where=f"batch {batch.name}")


def server_of(batch: runs.Batch, environment: Mapping[str, str], given: Mapping[str, Any]) -> BatchServer:
    """Raises InputError where the judge has no address or its key is not there, or its provider has no batches; and as
    ``find_judge`` does for what is only remembered and not among the fields ``given``."""
    judge, programs = without_programs(study_of(batch).judge)
    programs.check_agreed(given, batch.judge)
    fields = judge.model_dump(exclude_none=True) | {"connection": judge.connection}
    judge = make(JudgeSpec, laid_over(fields, given), where=f"batch {batch.name}")
    tell_sent(judge, given)
    provider = provider_of(judge, None)
    return BatchServer(access_of(judge, environment, provider.name_of(judge.model)), provider.open_transport)


def _check(plan: RunPlan) -> None:
    """Raises InputError where a batch cannot ask the plan's trials."""
    template, spec, provider = plan.resolved.template, plan.resolved.spec, plan.resolved.provider
    if template.is_text_only:
        raise InputError(f"template {template.id} asks no chat question, and batch files hold nothing else")
    if provider.transport is None:
        why = "runs in this process" if provider.is_local else "has a provider without batches"
        raise InputError(f"judge {spec.model!r} {why}: use 'judgebench run', it needs no batch")
    if len(spec.urls) > 1:
        raise InputError(
            f"a batch goes to one server, and judge {spec.model!r} has {len(spec.urls):,}: name one, --judge-url"
        )
    if SETTING in spec.settings:
        raise InputError(
            f"a batch asks as it is written, without the defence {str(spec.settings[SETTING])!r}: leave that out, or "
            "use 'judgebench run'"
        )
    if plan.study.reask:
        raise InputError(
            "a batch asks no second question: leave reask out, and once its results are ingested let 'judgebench run "
            "--redo unparsed,truncated --reask' ask those again that have no verdict"
        )


class _Export:
    """One export: files one after the other, each stored with its trials in one transaction."""

    def __init__(self, database: Database, plan: RunPlan, limits: FileLimits) -> None:
        self._database = database
        self._plan = plan
        self._limits = limits
        self._seed = secrets.randbits(128)
        self._images = TrialImages(database, plan.resolved.template, plan.resolved.judge.settings)
        self._run_id: int | None = None
        self.report = ExportReport(planned=plan.trials)

    def write(self, target: Path) -> None:
        """All pending trials, into as many files as they need."""
        pending: Iterator[Trial | Reading] = self._pending()
        number = 1
        while (first := next(pending, None)) is not None:
            path = target if number == 1 else target.with_name(f"{target.stem}.{number}{target.suffix}")
            pending = self._write_file(path, chain((first,), pending))
            number += 1

    def _write_file(self, path: Path, pending: Iterator[Trial | Reading]) -> Iterator[Trial | Reading]:
        """Write a file and store its batch; returns what did not fit."""
        if path.exists():
            raise InputError(f"{path} exists: a batch file is never overwritten, choose another name")
        name, trials = f"jb-{secrets.token_hex(6)}", []
        unfinished = path.with_name(path.name + ".unfinished")
        with unfinished.open("wb") as stream:
            file = BatchFile(stream)
            for trial in pending:
                try:
                    line = self._line(name, trial)
                except InputError:
                    unfinished.unlink()
                    raise
                if file.lines and (file.lines >= self._limits.requests or file.size + len(line) > self._most_bytes):
                    pending = chain((trial,), pending)
                    break
                file.add(line)
                trials.append(runs.BatchTrial.of(trial))
            stream.flush()
            os.fsync(stream.fileno())
        with self._database.write() as connection:
            if twice := runs.awaited(connection, [trial.key for trial in trials]):
                unfinished.unlink()
                raise Conflict(
                    f"{path}: {len(twice):,} of its {count(len(trials), 'question')} were exported by another at the "
                    "same time; nothing of it was kept, export again"
                )
            keys = sorted({trial.instruction for trial in trials})
            outputs = stored_outputs(connection, self._plan.benchmark_id, keys)
            runs.add_batch(
                connection, name=name, run_id=self._run(connection), digest=file.digest, trials=trials, outputs=outputs
            )
            os.replace(unfinished, path)
        self.report.exported += file.lines
        self.report.files.append(ExportedBatch(name, str(path), file.lines, file.size))
        return pending

    @property
    def _most_bytes(self) -> int:
        return self._limits.mebibytes << 20

    def _line(self, name: str, trial: Trial | Reading) -> bytes:
        judge, template = self._plan.resolved.judge, self._plan.resolved.template
        images, nonce = self._images.copies(trial), make_nonce(trial.key, self._seed)
        prompt = render(template, trial, nonce=nonce, images=images, most_images=self._images.most)
        hidden = not_shown(template, trial)
        if isinstance(prompt, ChatPrompt) and template.shows_images:
            hidden = hidden + Counter(prompt.left_out)
            if why := beyond_request(prompt):
                raise InputError(f"a question about instruction {sides(trial)[0].brief[:60]!r} was {why}")
        if hidden:
            self.report.not_shown = dict(Counter(self.report.not_shown) + hidden)
        said_by = self._plan.resolved.spec.connection.system_role
        messages = with_system_role(prompt.messages, said_by) if isinstance(prompt, ChatPrompt) else ()
        model = self._plan.resolved.provider.name_of(judge.model)
        return question_line(f"{name}.{trial.key}", model, messages, judge.sent)

    def _pending(self) -> Iterator[Trial | Reading]:
        """Trials that are to be asked; those of identical outputs are decided and stored on the way."""
        stream = planned_trials(self._database, self._plan)
        while chunk := list(islice(stream, _LOOK_UP)):
            keys = [trial.key for trial in chunk]
            with self._database.read() as connection:
                known = store.verdicts.known_trials(connection, self._plan.benchmark_id, keys)
                awaited = runs.awaited(connection, keys) | store.claims.held(connection, keys, is_gone)
            answered = {key for key, status in known.ended.items() if status is not Status.FAILED}
            self.report.answered += len(answered)
            answered |= self._take_over(list(known.elsewhere))
            self.report.awaited += len(awaited - answered)
            left = [trial for trial in chunk if trial.key not in answered | awaited]
            template = self._plan.resolved.template
            held = self._images.measured(left)
            alike = [(trial, unasked_verdict(trial, template, held)) for trial in left]
            decided = {trial.key: result_of(trial, verdict, None) for trial, verdict in alike if verdict is not None}
            ties = [result for result in decided.values() if result.status is Status.TIE]
            if ties:
                with self._database.write() as connection:
                    VerdictWriter(connection, self._run(connection)).add(connection, ties)
            self.report.identical += len(ties)
            self.report.unseen += len(decided) - len(ties)
            yield from (trial for trial in left if trial.key not in decided)

    def _take_over(self, keys: Sequence[str]) -> set[str]:
        if not keys:
            return set()
        with self._database.write() as connection:
            taken_over = VerdictWriter(connection, self._run(connection)).take_over(connection, keys)
        self.report.taken_over += len(taken_over)
        return set(taken_over)

    def _run(self, connection: Connection) -> int:
        if self._run_id is None:
            self._run_id = start_run(connection, self._plan, "batch")
        return self._run_id


@dataclass(slots=True)
class IngestReport:
    """What became of the results; ``results`` is the sum of the six after it."""

    results: int = 0
    new: int = 0  # stored now, failures included
    known: int = 0  # of trials that had a verdict already, or had failed already
    expired: int = 0  # the batch ended before their turn: they are pending
    foreign: int = 0  # of no batch of this database
    unreadable: int = 0  # lines that are no result, such as the last one of a file that was cut
    repeated: int = 0  # a second result of the same trial in one file
    ended: Counter[Status] = field(default_factory=Counter)  # the new ones, by status
    cost_usd: float | None = 0.0  # of the new ones; None when one has no known price
    servers: dict[str, str] = field(default_factory=dict)  # batch -> its status at the server, where one was asked


def known_batches(database: Database) -> list[runs.Batch]:
    """All batches, the oldest first."""
    with database.read() as connection:
        return runs.batches(connection)


def ingest_files(database: Database, paths: Sequence[Path], *, close: bool = False) -> IngestReport:
    """Store the results in files. ``close``: nothing further is expected, and what is missing may be asked otherwise.

    Raises InputError where a file cannot be read; what was read before stays stored.
    """
    with _Ingest(database) as ingesting:
        for path in paths:
            if not path.is_file():
                raise InputError(f"{path}: there is no such file")
            ingesting.read(path)
        ingesting.close_all(always=close)
    return ingesting.report


def ingest_from_servers(
    database: Database, names: Sequence[str], *, environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> IngestReport:
    """``fetching`` in an event loop of its own."""
    return run_async(fetching(database, names, environment=environment, given=given))


async def fetching(
    database: Database, names: Sequence[str], *, environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> IngestReport:
    """Fetch and store what the batches' servers have so far; all batches that were submitted, where none is named.

    A batch that its server has ended is closed. ``given``: fields of the batches' one judge, laid over those that they
    remember. Raises UnknownName, InputError where one was not submitted, and
    JudgeError when its server cannot be reached.
    """
    with database.read() as connection:
        known = runs.batches(connection)
        chosen = [runs.batch(connection, name) for name in names]
    for batch in chosen:
        if batch.server_id is None:
            raise InputError(f"batch {batch.name} was not submitted: judgebench batch submit FILE")
    waiting = chosen or [batch for batch in known if batch.server_id is not None and not batch.closed]
    if given and len(judges := sorted({batch.judge for batch in waiting})) > 1:
        raise InputError(f"how a server is asked is said of one judge, not of {', '.join(judges)}: name its batches")
    servers = [server_of(batch, environment, given or {}) for batch in waiting]  # before anything is stored
    with _Ingest(database) as ingesting:
        for batch, server in zip(waiting, servers, strict=True):
            await _fetch(ingesting, batch, server)
    return ingesting.report


async def _fetch(ingesting: "_Ingest", batch: runs.Batch, server: BatchServer) -> None:
    try:
        there = await server.get(batch.server_id or "")
        ingesting.report.servers[batch.name] = there.status
        with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
            for number, file_id in enumerate(there.results):
                path = Path(folder) / f"{number}.jsonl"
                await server.fetch(file_id, path)
                ingesting.read(path)
        if there.ended:
            ingesting.close(batch)
    finally:
        await server.close()


@dataclass(frozen=True, slots=True)
class _Open:
    """A batch whose results are being stored."""

    batch: runs.Batch
    template: Template
    price: Price | None
    writer: VerdictWriter


class _Ingest:
    """Results into the database, a chunk a transaction; what was stored by its end is one event."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed: list[str] = []  # batches
        self._open: dict[str, _Open | None] = {}  # by the batch's name; None: not of this database
        self.report = IngestReport()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.report.new or self._closed:
            names = sorted({*self._closed, *(name for name, opened in self._open.items() if opened is not None)})
            about = {"verdicts": self.report.new, "closed": self._closed}
            store.events.note(self._database, store.events.INGESTED, "batch", ", ".join(names), about)

    def read(self, path: Path) -> None:
        stream = read_results(path)
        while chunk := list(islice(stream, _CHUNK)):
            results = [result for result in chunk if result is not None]
            self.report.results += len(chunk)
            self.report.unreadable += len(chunk) - len(results)
            with self._database.write() as connection:
                for name in dict.fromkeys(_batch_name(result) for result in results):
                    self._add(connection, name, [result for result in results if _batch_name(result) == name])

    def close_all(self, *, always: bool) -> None:
        """Close the batches that were read, where every trial has its result."""
        for opened in self._open.values():
            if opened is None:
                continue
            with self._database.read() as connection:
                now = runs.batch(connection, opened.batch.name)
            if always or now.answered >= now.requests:
                self.close(opened.batch)

    def close(self, batch: runs.Batch) -> None:
        with self._database.write() as connection:
            if runs.set_closed(connection, batch):
                self._closed.append(batch.name)

    def _add(self, connection: Connection, name: str, results: Sequence[BatchResult]) -> None:
        opened = self._opened(connection, name)
        by_key: dict[str, BatchResult] = {}
        for result in sorted(results, key=lambda result: result.error is not None):  # replies before errors
            by_key.setdefault(result.custom_id.partition(".")[2], result)
        self.report.repeated += len(results) - len(by_key)
        trials = {} if opened is None else runs.batch_trials(connection, opened.batch, list(by_key))
        self.report.foreign += len(by_key.keys() - trials.keys())
        if opened is None:
            return
        known = opened.writer.known(connection, [trial.key for trial in trials.values()])
        new = list(self._new(opened, by_key, trials, known))
        opened.writer.add(connection, new)
        self.report.new += len(new)
        for stored in new:
            self._count(stored)

    def _new(
        self,
        opened: _Open,
        results: Mapping[str, BatchResult],
        trials: Mapping[str, Trial | Reading],
        known: Mapping[str, Status],
    ) -> Iterator[TrialResult]:
        """What adds to what is known: a verdict where there was none, a failure where there was nothing."""
        for sent_key, trial in trials.items():
            result, status = results[sent_key], known.get(trial.key)
            if not result.asked:
                self.report.expired += 1
                continue
            if status not in (None, Status.FAILED):
                self.report.known += 1
                continue
            read = _read(opened, result, trial)
            if status is Status.FAILED and read.status is Status.FAILED:
                self.report.known += 1
                continue
            yield read

    def _count(self, result: TrialResult) -> None:
        self.report.ended[result.status] += 1
        for reply in result.replies:
            spent = self.report.cost_usd
            self.report.cost_usd = None if spent is None or reply.cost_usd is None else spent + reply.cost_usd

    def _opened(self, connection: Connection, name: str) -> _Open | None:
        if name not in self._open:
            known = {batch.name: batch for batch in runs.batches(connection)}
            self._open[name] = _open(connection, known[name]) if name in known else None
        return self._open[name]


def _open(connection: Connection, batch: runs.Batch) -> _Open:
    """Raises InputError where the template is not the one that was asked with."""
    judge, study = store.judges.judge(connection, batch.judge), study_of(batch)
    template = template_of(judge, study.judge.template)
    price = None if study.judge.price is None else Price.parse(study.judge.price)
    return _Open(batch, template, price, VerdictWriter(connection, batch.run_id))


def _read(opened: _Open, result: BatchResult, trial: Trial | Reading) -> TrialResult:
    if result.error is not None:
        return result_of(trial, failed(result.error), None)
    try:
        completion = chat_completion(result.body)
    except BadReply as error:
        return result_of(trial, failed(str(error)), None)
    completion = replace(completion, cost_usd=cost_usd(opened.price, completion))
    return result_of(trial, parse(completion, opened.template, trial), completion)


def _batch_name(result: BatchResult) -> str:
    return result.custom_id.partition(".")[0]
