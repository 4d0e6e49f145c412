"""Results of batches, from files or from the server: unordered, partial or repeated, each counted once."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from judgebench.clients.batch_api import BatchServer
from judgebench.clients.prices import Price, cost_usd
from judgebench.clients.replies import chat_completion
from judgebench.errors import BadReply, InputError
from judgebench.execution import loop
from judgebench.execution.asking import failed, result_of
from judgebench.formats.batch_files import BatchResult, read_results
from judgebench.judging.parsing import parse
from judgebench.judging.templates import Template
from judgebench.records import Reading, Status, Trial
from judgebench.spec import load_template
from judgebench.store import batches, reader
from judgebench.store.database import Database
from judgebench.store.verdict_writer import TrialResult, VerdictWriter
from judgebench.study.batch_export import server_of, study_of

_CHUNK = 500  # results read at once


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


def known_batches(database: Database) -> list[batches.Batch]:
    """All batches, the oldest first."""
    with database.read() as connection:
        return batches.batches(connection)


def ingest_files(database: Database, paths: Sequence[Path], *, close: bool = False) -> IngestReport:
    """Store the results in files. ``close``: nothing further is expected, and what is missing may be asked otherwise.

    Raises InputError where a file cannot be read; what was read before stays stored.
    """
    ingesting = _Ingest(database)
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        ingesting.read(path)
    ingesting.close_all(always=close)
    return ingesting.report


def ingest_from_servers(database: Database, names: Sequence[str], *, environment: Mapping[str, str]) -> IngestReport:
    """Fetch and store what the batches' servers have so far; all batches that were submitted, where none is named.

    A batch that its server has ended is closed. Raises UnknownName, InputError where one was not submitted, and
    JudgeError when its server cannot be reached.
    """
    with database.read() as connection:
        known = batches.batches(connection)
        wanted = [batches.batch(connection, name) for name in names]
    for each in wanted:
        if each.server_id is None:
            raise InputError(f"batch {each.name} was not submitted: judgebench batch submit FILE")
    wanted = wanted or [each for each in known if each.server_id is not None and not each.closed]
    ingesting = _Ingest(database)
    for each in wanted:
        loop.run(_fetch(ingesting, each, environment))
    return ingesting.report


async def _fetch(ingesting: "_Ingest", batch: batches.Batch, environment: Mapping[str, str]) -> None:
    server: BatchServer = server_of(study_of(batch), environment)
    try:
        found = await server.get(batch.server_id or "")
        ingesting.report.servers[batch.name] = found.status
        with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
            for number, file_id in enumerate(found.results):
                path = Path(folder) / f"{number}.jsonl"
                await server.fetch(file_id, path)
                ingesting.read(path)
        if found.ended:
            ingesting.close(batch)
    finally:
        await server.close()


@dataclass(frozen=True, slots=True)
class _Open:
    """A batch whose results are being stored."""

    batch: batches.Batch
    template: Template
    price: Price | None
    writer: VerdictWriter


class _Ingest:
    """Results into the database, a chunk a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[str, _Open | None] = {}  # by the batch's name; None: not of this database
        self.report = IngestReport()

    def read(self, path: Path) -> None:
        stream = read_results(path)
        while chunk := list(islice(stream, _CHUNK)):
            found = [result for result in chunk if result is not None]
            self.report.results += len(chunk)
            self.report.unreadable += len(chunk) - len(found)
            with self._database.write() as connection:
                for name in dict.fromkeys(_batch_name(result) for result in found):
                    self._add(connection, name, [result for result in found if _batch_name(result) == name])

    def close_all(self, *, always: bool) -> None:
        """Close the batches that were read, where every trial has its result."""
        for each in self._open.values():
            if each is None:
                continue
            with self._database.read() as connection:
                now = batches.batch(connection, each.batch.name)
            if always or now.answered >= now.requests:
                self.close(each.batch)

    def close(self, batch: batches.Batch) -> None:
        with self._database.write() as connection:
            batches.set_closed(connection, batch)

    def _add(self, connection: sa.Connection, name: str, results: Sequence[BatchResult]) -> None:
        opened = self._opened(connection, name)
        by_key: dict[str, BatchResult] = {}
        for result in sorted(results, key=lambda each: each.error is not None):  # replies before errors
            by_key.setdefault(result.custom_id.partition(".")[2], result)
        self.report.repeated += len(results) - len(by_key)
        trials = {} if opened is None else batches.trials(connection, opened.batch, list(by_key))
        self.report.foreign += len(by_key.keys() - trials.keys())
        if opened is None:
            return
        known = reader.revisions(connection, list(trials))
        new = list(self._new(opened, by_key, trials, {key: status for key, (_, status) in known.items()}))
        opened.writer.add(connection, new)
        self.report.new += len(new)
        for each in new:
            self._count(each)

    def _new(
        self,
        opened: _Open,
        results: Mapping[str, BatchResult],
        trials: Mapping[str, Trial | Reading],
        known: Mapping[str, Status],
    ) -> Iterator[TrialResult]:
        """What adds to what is known: a verdict where there was none, a failure where there was nothing."""
        for key, trial in trials.items():
            result, status = results[key], known.get(key)
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

    def _opened(self, connection: sa.Connection, name: str) -> _Open | None:
        if name not in self._open:
            known = {each.name: each for each in batches.batches(connection)}
            self._open[name] = _open(connection, known[name]) if name in known else None
        return self._open[name]


def _open(connection: sa.Connection, batch: batches.Batch) -> _Open:
    """Raises InputError where the template is not the one that was asked with."""
    judge, study = reader.judge(connection, batch.judge), study_of(batch)
    template = load_template(study.judge.template_id)
    if template.digest != judge.template_digest:
        raise InputError(f"template {judge.template} has changed since batch {batch.name} was exported: bring it back")
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
