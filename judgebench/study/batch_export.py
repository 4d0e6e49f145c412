"""Pending trials as batch files, and their submission to a server: what is exported is awaited, and asked nowhere else.

A batch is named before its file exists. The name stands in every question's id and in the server's metadata, so its
results find their trials in any order, and a submission that was cut off before it was stored is found at the server.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import sqlalchemy as sa

from judgebench.audits.defences import SETTING
from judgebench.clients.batch_api import BatchServer, ServerBatch
from judgebench.errors import InputError
from judgebench.execution import loop
from judgebench.execution.asking import result_of
from judgebench.execution.judges import describe, key_of
from judgebench.formats.batch_files import BatchFile, digest_of, first_id, question_line
from judgebench.judging.design import identical_verdict
from judgebench.judging.scales import LikelihoodScale, RewardScale
from judgebench.judging.templates import Template, make_nonce, render
from judgebench.records import ChatPrompt, Reading, Status, Trial
from judgebench.spec import Study, make_study
from judgebench.store import batches, reader, writer
from judgebench.store.database import Database
from judgebench.store.verdict_writer import VerdictWriter, stored_outputs
from judgebench.study.planning import Plan, plan, planned_trials

_LOOK_UP = 400  # trials looked up at once


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Of one batch file; OpenAI takes at most these."""

    requests: int = 50_000
    mebibytes: int = 190  # of 200 MB


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A batch and its file."""

    batch: str
    file: str
    requests: int
    bytes: int


@dataclass(slots=True)
class ExportReport:
    """What became of a study's trials; ``planned`` is the sum of the four after it."""

    planned: int = 0
    answered: int = 0  # that have a verdict already
    identical: int = 0  # decided now, without a question
    awaited: int = 0  # that an earlier batch asks
    exported: int = 0
    files: list[ExportedFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Submission:
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
    _, template = describe(study.judge)
    _check(study, template)
    if not target.absolute().parent.is_dir():
        raise InputError(f"the folder of {target} does not exist: create it first")
    exporting = _Export(database, study, planned, template, limits or FileLimits())
    exporting.write(target)
    return exporting.report


def submit(database: Database, path: Path, *, environment: Mapping[str, str]) -> Submission:
    """Hand a batch file to its judge's server. Doing it again finds the batch that is there, and submits nothing.

    Raises InputError where the file is not the one that was exported, and JudgeError when the server refuses.
    """
    name = first_id(path).partition(".")[0]
    with database.read() as connection:
        known = batches.batch(connection, name)
    if digest_of(path) != known.digest:
        raise InputError(f"{path} was changed after it was exported: results would not belong to its trials")
    if known.server_id is not None:
        return Submission(name, known.server_id, "", new=False)
    found, new = loop.run(_submit(study_of(known), path, name, environment))
    with database.write() as connection:
        batches.set_submitted(connection, known, found.id)
    return Submission(name, found.id, found.status, new)


def study_of(batch: batches.Batch) -> Study:
    """The study whose trials the batch asks."""
    return make_study(json.loads(batch.specification), where=f"batch {batch.name}")


def server_of(study: Study, environment: Mapping[str, str]) -> BatchServer:
    """Raises InputError where the judge has no address or its key is not there."""
    return BatchServer(study.judge.url or "", api_key=key_of(study.judge, environment))


async def _submit(study: Study, path: Path, name: str, environment: Mapping[str, str]) -> tuple[ServerBatch, bool]:
    server = server_of(study, environment)
    try:
        found = await server.find(name)
        return (found, False) if found is not None else (await server.submit(path, name), True)
    finally:
        await server.close()


def _check(study: Study, template: Template) -> None:
    if study.judge.url is None:
        raise InputError(f"judge {study.judge.model!r} runs in this process: use 'judgebench run', it needs no batch")
    if isinstance(template.scale, LikelihoodScale | RewardScale):
        raise InputError(f"template {template.id} asks no chat question, and batch files hold nothing else")
    if SETTING in study.judge.settings:
        raise InputError("a defence that asks twice cannot be put into a batch: leave it out, or use 'judgebench run'")


class _Export:
    """One export: files one after the other, each stored with its trials in one transaction."""

    def __init__(self, database: Database, study: Study, plan: Plan, template: Template, limits: FileLimits) -> None:
        self._database = database
        self._study = study
        self._plan = plan
        self._template = template
        self._limits = limits
        self._seed = secrets.randbits(128)
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
                line = self._line(name, trial)
                if file.lines and (file.lines >= self._limits.requests or file.size + len(line) > self._most_bytes):
                    pending = chain((trial,), pending)
                    break
                file.add(line)
                trials.append(batches.BatchTrial.of(trial))
            stream.flush()
            os.fsync(stream.fileno())
        with self._database.write() as connection:
            keys = sorted({trial.instruction for trial in trials})
            outputs = stored_outputs(connection, self._plan.benchmark_id, keys)
            batches.add_batch(
                connection, name=name, run_id=self._run(connection), digest=file.digest, trials=trials, outputs=outputs
            )
            os.replace(unfinished, path)
        self.report.exported += file.lines
        self.report.files.append(ExportedFile(name, str(path), file.lines, file.size))
        return pending

    @property
    def _most_bytes(self) -> int:
        return self._limits.mebibytes << 20

    def _line(self, name: str, trial: Trial | Reading) -> bytes:
        prompt = render(self._template, trial, nonce=make_nonce(trial.key, self._seed))
        messages = prompt.messages if isinstance(prompt, ChatPrompt) else ()
        judge = self._plan.judge
        return question_line(f"{name}.{trial.key}", judge.model, messages, judge.settings)

    def _pending(self) -> Iterator[Trial | Reading]:
        """Trials that are to be asked; those of identical outputs are decided and stored on the way."""
        stream = planned_trials(self._database, self._study, self._plan)
        while chunk := list(islice(stream, _LOOK_UP)):
            keys = [trial.key for trial in chunk]
            with self._database.read() as connection:
                known = reader.revisions(connection, keys)
                awaited = batches.awaited(connection, keys)
            answered = {key for key, (_, status) in known.items() if status is not Status.FAILED}
            self.report.answered += len(answered)
            self.report.awaited += len(awaited - answered)
            left = [trial for trial in chunk if trial.key not in answered | awaited]
            ties = [(trial, identical_verdict(trial)) for trial in left if isinstance(trial, Trial)]
            decided = {trial.key: result_of(trial, tie, None) for trial, tie in ties if tie is not None}
            if decided:
                with self._database.write() as connection:
                    VerdictWriter(connection, self._run(connection)).add(connection, list(decided.values()))
                self.report.identical += len(decided)
            yield from (trial for trial in left if trial.key not in decided)

    def _run(self, connection: sa.Connection) -> int:
        if self._run_id is None:
            self._run_id = writer.start_run(
                connection,
                benchmark_id=self._plan.benchmark_id,
                judge_id=writer.add_judge(connection, self._plan.judge),
                kind="batch",
                specification=self._study.model_dump(mode="json", exclude_defaults=True),
            )
        return self._run_id
