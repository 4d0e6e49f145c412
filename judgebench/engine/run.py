"""Running a study: ask its trials that have no answer, store what comes back. Restarting continues it."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from judgebench import store
from judgebench.engine.ask import Asker, Reasker
from judgebench.engine.judges import OpenJudge, open_judge
from judgebench.engine.plan import Plan, plan, planned_trials
from judgebench.engine.runner import OnProgress, Runner, Tally, drive, limits_of, run_async, silent
from judgebench.errors import InputError
from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.templates import Template
from judgebench.records import Judge, Status, TrialResult, Verdict
from judgebench.spec import Study, load_template
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter, add_reparsed

_REPARSE_BATCH = 500


_REASONS = 50  # told apart


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    judge: str
    tally: Tally
    calls: int
    interrupted: bool
    other_models: tuple[str, ...] = ()  # names that the server gave back instead of the one that was asked
    left_out: tuple[str, ...] = ()  # settings that the server did not take
    reasons: tuple[tuple[str, int], ...] = ()  # why trials have no verdict, and how many of this run, most first
    reasked: int | None = None  # trials that were asked a second time, under a constraint; None: that was not wanted


def run(
    database: Database, study: Study, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> RunReport:
    """Ask every trial of the study that has no answer yet; the first interrupt drains, the second stops at once.

    ``environment`` holds the judge's key under the name that the study gives.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses; answers that came before stay stored.
    """
    if study.design == "adaptive":
        raise InputError("an adaptive study has a question: settle it by judgebench.settle")
    planned = plan(database, study)
    opened = open_judge(study.judge, environment, concurrency=study.concurrency)
    return run_async(_run(database, study, planned, opened, on_progress or silent))


def reparse(database: Database, judge_name: str) -> tuple[int, int]:
    """Read a judge's stored completions with the current parser; no call is made.

    Returns how many were read, and how many verdicts are now otherwise. Recorded verdicts are left as published.

    Raises UnknownName, and InputError when the judge's template is not the one it was asked with.
    """
    with database.read() as connection:
        judge = store.judges.judge(connection, judge_name)
    template: Template | None = None
    read = changed = after = 0
    while batch := _unread(database, judge_name, after):
        template = template or _asked_with(judge)
        verdicts = {each.verdict_id: parse(each.completion, template, each.trial) for each in batch}
        changed += sum(_differs(each.verdict, verdicts[each.verdict_id]) for each in batch)
        with database.write() as connection:
            add_reparsed(connection, verdicts)
        read, after = read + len(batch), batch[-1].verdict_id
    return read, changed


def _unread(database: Database, judge_name: str, after: int) -> list[store.battles.StoredReply]:
    """A page of the replies that another parser read; what is written meanwhile was read by this one."""
    with database.read() as connection:
        page = store.battles.unread(connection, judge_name, PARSER_VERSION, after=after)
        return list(islice(page, _REPARSE_BATCH))


def _asked_with(judge: Judge) -> Template:
    template = load_template(judge.template)
    if template.digest != judge.template_digest:
        raise InputError(f"template {judge.template} has changed since {judge.name!r} was asked with it: bring it back")
    return template


def _differs(old: Verdict, new: Verdict) -> bool:
    return (old.status, old.preference, old.score) != (new.status, new.preference, new.score)


class StoreSink:
    """The database as the runner sees it."""

    def __init__(self, database: Database, verdicts: VerdictWriter) -> None:
        self._database = database
        self._verdicts = verdicts
        self.returned: set[str] = set()  # names of models that replies bear
        self._reasons: Counter[str] = Counter()

    def known(self, trial_keys: Sequence[str]) -> Mapping[str, Status]:
        with self._database.read() as connection:
            return {key: status for key, (_, status) in store.verdicts.revisions(connection, trial_keys).items()}

    def add(self, results: Sequence[TrialResult]) -> None:
        with self._database.write() as connection:
            self._verdicts.add(connection, results)
        self.returned |= {each.completion.model for each in results if each.completion and each.completion.model}
        for why in (each.verdict.detail for each in results if each.verdict.detail):
            self._reasons[why if why in self._reasons or len(self._reasons) < _REASONS else "other reasons"] += 1

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """Why trials have no verdict, and how many, most first."""
        return tuple(self._reasons.most_common())


@dataclass(frozen=True, slots=True)
class Judging:
    """A run that has begun: whom to ask, and where what comes back is kept."""

    run_id: int
    judge: Judge
    opened: OpenJudge
    asker: Asker
    sink: StoreSink

    def questions(self) -> int:
        return self.opened.questions

    def report(self, tally: Tally, *, interrupted: bool) -> RunReport:
        others = () if self.opened.server is None else tuple(sorted(self.sink.returned - {self.judge.model}))
        left_out = () if self.opened.server is None else self.opened.server.left_out(self.judge.settings)
        return RunReport(
            judge=self.judge.name,
            tally=tally,
            calls=self.questions(),
            interrupted=interrupted,
            other_models=others,
            left_out=left_out,
            reasons=self.sink.reasons,
            reasked=None if self.asker.again is None else self.asker.again.asked,
        )


async def begin(database: Database, study: Study, planned: Plan, opened: OpenJudge) -> Judging:
    """Raises JudgeError, with nothing written, when the judge cannot be reached."""
    await opened.check()
    again = Reasker(opened.template, planned.judge.settings, opened.client) if study.reask else None
    asker = Asker(opened.template, planned.judge.settings, opened.client, secrets.randbits(128), again)
    with database.write() as connection:
        run_id = store.runs.start_run(
            connection,
            benchmark_id=planned.benchmark_id,
            judge_id=store.judges.add_judge(connection, planned.judge),
            kind="run",
            specification=study.model_dump(mode="json", exclude_defaults=True),
        )
        sink = StoreSink(database, VerdictWriter(connection, run_id))
    return Judging(run_id, planned.judge, opened, asker, sink)


def finish(database: Database, judging: Judging) -> None:
    """Say that the run came to its end."""
    with database.write() as connection:
        store.runs.finish_run(connection, judging.run_id)


async def _run(
    database: Database, study: Study, planned: Plan, opened: OpenJudge, on_progress: OnProgress
) -> RunReport:
    try:
        judging = await begin(database, study, planned, opened)
        runner = Runner(judging.asker.ask, judging.sink, planned=planned.trials, limits=limits_of(study))
        await drive(runner, planned_trials(database, study, planned), judging.questions, on_progress)
        if not runner.tally.pending:
            finish(database, judging)
        return judging.report(runner.tally, interrupted=runner.stopped)
    finally:
        await opened.client.close()
