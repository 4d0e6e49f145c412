"""Running a study: ask its trials that have no answer, store what comes back. Restarting continues it.

One trial goes from question to verdict in ``Asker.ask``. What goes wrong there becomes a status, never a verdict.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from judgebench import store
from judgebench.clients.base import Client
from judgebench.clients.http import Rejected
from judgebench.clients.probe import enforced
from judgebench.clients.replies import EmptyReply
from judgebench.engine.claims import Claims
from judgebench.engine.identity import remember
from judgebench.engine.judges import OpenModel, ResolvedJudge, open_model, template_of
from judgebench.engine.pending import EndedTrials
from judgebench.engine.plan import IDENTICAL_AS_SHOWN, RunPlan, plan, planned_trials, unasked_verdict
from judgebench.engine.runner import OnProgress, Runner, RunTally, run_async
from judgebench.engine.sight import check_sight
from judgebench.engine.trial_images import TrialImages
from judgebench.engine.unstored import Unstored
from judgebench.errors import EnoughCalls, InputError, JudgeError, JudgeGone
from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.pictures import beyond_request
from judgebench.judging.reask import Constraint, constraint
from judgebench.judging.templates import Template, make_nonce, render
from judgebench.judging.visibility import not_shown
from judgebench.records import ChatPrompt, Completion, Prompt, Reading, Source, Status, Trial, TrialResult, Verdict
from judgebench.spec import Study
from judgebench.store.database import Connection, Database
from judgebench.store.verdicts import VerdictWriter, add_reparsed

_DETAIL_CHARS = 500
_SILENT = (Status.UNPARSED, Status.TRUNCATED)  # the judge replied, and stated no verdict
_REPARSE_BATCH = 500
_REASONS = 50  # told apart


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    judge: str
    tally: RunTally
    calls: int
    interrupted: bool
    other_models: tuple[str, ...] = ()  # names that the server gave back instead of the one that was asked
    left_out: tuple[str, ...] = ()  # settings that the server did not take
    changed: tuple[str, ...] = ()  # what else it was found to need otherwise, in words
    reasons: tuple[tuple[str, int], ...] = ()  # why trials have no verdict, and how many of this run, most first
    reasked: int | None = None  # trials that were asked a second time, under a constraint; None: that was not wanted
    not_shown: Mapping[str, int] = field(default_factory=dict)  # parts that the judge did not see, by kind: "image" ...
    identical_as_shown: int = 0  # ties without a call, of outputs that differ in parts that the template does not show


def run(
    database: Database,
    study: Study,
    *,
    environment: Mapping[str, str],
    judge: ResolvedJudge | None = None,
    on_progress: OnProgress | None = None,
    spent_usd: float = 0.0,
) -> RunReport:
    """``running`` in an event loop of its own."""
    how: dict[str, Any] = {"judge": judge, "on_progress": on_progress, "spent_usd": spent_usd}
    return run_async(running(database, study, environment=environment, **how))


async def running(
    database: Database,
    study: Study,
    *,
    environment: Mapping[str, str],
    judge: ResolvedJudge | None = None,
    on_progress: OnProgress | None = None,
    spent_usd: float = 0.0,
) -> RunReport:
    """Ask every trial of the study that has no answer yet; the first interrupt drains, the second stops at once.

    ``environment`` holds the judge's key under the name that the study gives; ``judge`` is the study's own where it was
    resolved before. ``spent_usd``: what was spent on the same before, which the study's limit counts too.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses; answers that came before stay stored.
    """
    if study.design == "adaptive":
        raise InputError("an adaptive study has a question: settle it by judgebench.settle")
    planned = plan(database, study, judge)
    opened = open_model(planned.resolved, environment, concurrency=study.concurrency, max_calls=study.max_calls)
    try:
        await opened.check()
        await check_sight(database, planned.benchmark_id, planned.resolved, opened)
        judging = Judging(database, planned, opened)
        runner = Runner(
            judging.asker.ask,
            judging,
            planned=planned.trials,
            pace=less(study, spent_usd),
            calls=lambda: opened.questions,
            on_progress=on_progress,
            again=study.asked_again,
        )
        tally = await runner.run(planned_trials(database, planned), judging.claims())
        judging.check()
        if not tally.pending:
            judging.finish()
        return judging.report(tally, interrupted=runner.stopped)
    finally:
        await opened.close()


def less(study: Study, spent_usd: float) -> Study:
    """The study with what is left of its limit in USD, which may be nothing."""
    if study.max_cost is None:
        return study
    return study.model_copy(update={"max_cost": max(0.0, study.max_cost - spent_usd)})


class Reasons(Counter[str]):
    """Why questions came to nothing, and how many."""

    def add(self, reasons: Iterable[str | None]) -> None:
        """Those beyond the first so many that differ are other reasons."""
        for why in reasons:
            if why:
                self[why if why in self or len(self) < _REASONS else "other reasons"] += 1


class Judging:
    """A run that has begun: whom to ask, and where what comes back is kept."""

    def __init__(self, database: Database, plan: RunPlan, opened: OpenModel) -> None:
        judge, template = plan.resolved.judge, plan.resolved.template
        again = Reasker(template, judge.sent, opened.client) if plan.study.reask else None
        images = TrialImages(database, template, judge.settings)
        self.asker = Asker(template, judge.sent, opened.client, secrets.randbits(128), images, again)
        self._database = database
        self._plan = plan
        self._opened = opened
        self._returned: set[str] = set()  # names of models that replies bear
        self._reasons = Reasons()  # why trials have no verdict
        self._identical_as_shown = 0
        with database.write() as connection:
            self._run_id = start_run(connection, plan, "run")
            self._verdicts = VerdictWriter(connection, self._run_id)
        self._unstored = Unstored(database, (plan.study.benchmark, judge.digest), TrialResult)
        self._began = 0  # the newest verdict at that moment
        self._store_kept()
        with database.read() as connection:
            self._began = store.verdicts.newest_id(connection)

    def claims(self) -> Claims:
        """What is claimed for a stretch of asking."""
        return Claims(self._database, self._run_id)

    def known(self, trial_keys: Sequence[str]) -> EndedTrials:
        """What other benchmarks know is taken over on the way, and so is what a run could not commit that has ended
        meanwhile."""
        with suppress(InputError):  # the next run says so
            self._store_kept()
        return self._known(trial_keys)

    def _known(self, trial_keys: Sequence[str]) -> EndedTrials:
        with self._database.read() as connection:
            known = store.verdicts.known_trials(connection, self._plan.benchmark_id, trial_keys)
            as_of = store.verdicts.newest_id(connection)
        by_others = [
            key for key, verdict in known.ids.items() if verdict > self._began
        ]  # who asks never looks up again
        if not known.elsewhere:
            return EndedTrials(known.ended, 0, by_others, as_of)
        with self._database.write() as connection:
            taken_over = self._verdicts.take_over(connection, list(known.elsewhere))
        return EndedTrials(
            {**known.ended, **taken_over}, len(taken_over), [key for key in by_others if key not in taken_over]
        )

    def add(self, results: Sequence[TrialResult]) -> None:
        with self._database.write() as connection:
            self._verdicts.add(connection, results, self._plan.study.asked_again)
        for result in results:
            if result.completion and result.completion.model:
                self._returned.add(result.completion.model)
            self._identical_as_shown += result.verdict.detail == IDENTICAL_AS_SHOWN
        self._reasons.add(result.verdict.detail for result in results if result.status not in (Status.OK, Status.TIE))

    def keep(self, results: Sequence[TrialResult]) -> str:
        return self._unstored.keep(results)

    def _store_kept(self) -> None:
        self._unstored.store(self._add_unknown)

    def _add_unknown(self, results: Sequence[TrialResult]) -> None:
        """What an earlier run could not commit, less what it has committed after all."""
        by_key = {result.trial_key: result for result in results}
        known = self._known(list(by_key)).ended
        self.add([result for key, result in by_key.items() if known.get(key, Status.FAILED) is Status.FAILED])

    def check(self) -> None:
        """Raises Conflict where the run was deleted meanwhile."""
        with self._database.read() as connection:
            self._verdicts.check(connection)

    def finish(self) -> None:
        """Say that the run came to its end. Raises Conflict where it was deleted meanwhile."""
        with self._database.write() as connection:
            self._verdicts.check(connection)
            store.runs.finish_run(connection, self._run_id)

    def report(self, tally: RunTally, *, interrupted: bool) -> RunReport:
        judge, server, again = self._plan.resolved.judge, self._opened.server, self.asker.again
        return RunReport(
            judge=judge.name,
            tally=tally,
            calls=self._opened.questions,
            interrupted=interrupted,
            other_models=() if server is None else tuple(sorted(self._returned - self._opened.names)),
            left_out=() if server is None else server.left_out(judge.sent),
            changed=() if server is None else server.changed(judge.sent),
            reasons=tuple(self._reasons.most_common()),
            reasked=None if again is None else again.asked,
            not_shown=dict(self.asker.not_shown),
            identical_as_shown=self._identical_as_shown,
        )


def start_run(connection: Connection, plan: RunPlan, kind: str) -> int:
    """The id of a new run of the plan."""
    judge, shows = plan.resolved.judge, plan.resolved.template.shows
    store.trial_keys.make_current(connection, judge, shows)
    judge_id = store.judges.add_judge(connection, judge, shows)
    remember(connection, judge_id, plan.resolved)
    benchmark = plan.study.benchmark
    run_id = store.runs.start_run(
        connection,
        benchmark_id=store.benchmarks.benchmark_id(connection, benchmark),  # it may be gone since
        judge_id=judge_id,
        kind=kind,
        specification=plan.study.model_dump(mode="json", exclude_defaults=True),
        shard=plan.study.shard,
    )
    if not benchmark.startswith(store.benchmarks.STAGE):  # else it is part of an audit
        about = {"benchmark": benchmark, "judge": judge.name}
        store.events.record(connection, store.events.STARTED, kind, str(run_id), about)
    return run_id


@dataclass(frozen=True, slots=True)
class Asker:
    """A judge that can be asked: its template, its decoding settings and whoever answers."""

    template: Template
    settings: Mapping[str, Any]
    client: Client
    nonce_seed: int  # secret of the run: outputs must not be able to guess the marks around them
    images: TrialImages
    again: "Reasker | None" = None  # asks once more where a reply states no verdict
    not_shown: Counter[str] = field(default_factory=Counter)  # parts that the judge did not see, so far

    async def ask(self, trial: Trial | Reading) -> TrialResult:
        """Raises JudgeError only where no other question would fare better."""
        images = await self.images.of(trial)
        verdict = unasked_verdict(trial, self.template, images)
        if verdict is not None:
            return replace(result_of(trial, verdict, None), asked=False)
        if hidden := not_shown(self.template, trial):
            self.not_shown.update(hidden)
        nonce = make_nonce(trial.key, self.nonce_seed)
        prompt = render(self.template, trial, nonce=nonce, images=images, most_images=self.images.most)
        if images and isinstance(prompt, ChatPrompt):
            self.not_shown.update(prompt.left_out)
            if why := beyond_request(prompt):
                return replace(result_of(trial, failed(why), None), asked=False)
        reply = await reply_or_error(self.client, prompt, self.settings)
        if isinstance(reply, JudgeError):
            return result_of(trial, failed(str(reply)), reply.completion if isinstance(reply, EmptyReply) else None)
        verdict = parse(reply, self.template, trial)
        if _is_silent(verdict) and self.again is not None and isinstance(prompt, ChatPrompt):
            second = await self.again.ask(prompt, reply)
            if second is not None:
                read = parse(second, self.template, trial)
                return replace(result_of(trial, read, second), first=(verdict, reply))
        return result_of(trial, verdict, reply)


def _is_silent(verdict: Verdict) -> bool:
    """Whether the judge replied, and nothing could be read of it; goals that all lie out of scope are no silence."""
    return verdict.status in _SILENT and not verdict.goals


class Reasker:
    """The second question to a judge whose reply stated no verdict, where its server can force the form of an answer.

    Whether it can is tried when first needed, once.
    """

    def __init__(self, template: Template, settings: Mapping[str, Any], client: Client) -> None:
        self._template = template
        self._settings = settings
        self._client = client
        self._trying: asyncio.Task[Constraint | None] | None = None
        self.asked = 0

    async def ask(self, prompt: ChatPrompt, first: Completion) -> Completion | None:
        """The forced reply; None where none can be had. Raises JudgeError only where no other question fares better."""
        if self._trying is None:
            self._trying = asyncio.create_task(self._constraint())
        form = await asyncio.shield(self._trying)
        if form is None:
            return None
        self.asked += 1
        try:
            reply = await reply_or_error(self._client, form.prompt(prompt, first), form.settings(self._settings))
        except EnoughCalls:  # the first reply stays
            return None
        return None if isinstance(reply, JudgeError) else replace(reply, constrained=form.how)

    async def _constraint(self) -> Constraint | None:
        try:
            how = await enforced(self._client, self._settings)
        except JudgeError:
            return None
        return None if how is None else constraint(self._template, how)


async def reply_or_error(client: Client, prompt: Prompt, settings: Mapping[str, Any]) -> Completion | JudgeError:
    """The reply, or the error that concerns this question alone. Raises JudgeError when it concerns all of them."""
    try:
        return await client.complete(prompt, settings)
    except Rejected as error:
        if not error.only_this:
            raise
        return error
    except (EnoughCalls, JudgeGone):
        raise
    except JudgeError as error:
        return error


def result_of(trial: Trial | Reading, verdict: Verdict, completion: Completion | None) -> TrialResult:
    """What became of ``trial``, as it is stored."""
    ending = (trial.repeat, verdict, completion, None)
    if isinstance(trial, Reading):
        read = trial.output
        return TrialResult(trial.key, trial.instruction.key, read.model, None, None, *ending, (read.sample, 0))
    sides = trial.battle
    samples = (sides.a.sample, sides.b.sample)
    return TrialResult(trial.key, sides.instruction.key, sides.a.model, sides.b.model, trial.order, *ending, samples)


def failed(why: str) -> Verdict:
    """No verdict, because no reply came."""
    return Verdict(Status.FAILED, Source.NONE, detail=why[:_DETAIL_CHARS], parser=PARSER_VERSION)


def reparse(database: Database, judge_name: str) -> tuple[int, int]:
    """Read a judge's stored completions with the current parser; no call is made.

    Returns how many were read, and how many verdicts are now otherwise. Recorded verdicts are left as published.

    Raises UnknownName, and InputError when the judge's template is not the one it was asked with.
    """
    with database.read() as connection:
        judge = store.judges.judge(connection, judge_name)
    template: Template | None = None
    read = changed = after = 0
    while True:
        seen, batch = _unread(database, judge_name, after)
        if not batch:
            if read:
                with database.write() as connection:
                    about = {"read": read, "changed": changed}
                    store.events.record(connection, store.events.REPARSED, "judge", judge_name, about)
            return read, changed
        template = template or template_of(judge)
        replies = [
            reply for reply in batch if reply.verdict.status is not Status.FAILED
        ]  # else there is nothing to read
        verdicts = {reply.verdict_id: parse(reply.completion, template, reply.trial) for reply in replies}
        with database.write() as connection:
            if store.events.changed(connection, seen) is not None:  # their ids may be another's by now
                continue
            add_reparsed(connection, verdicts)
        changed += sum(_differs(reply.verdict, verdicts[reply.verdict_id]) for reply in replies)
        read, after = read + len(batch), batch[-1].verdict_id


def _unread(database: Database, judge_name: str, after: int) -> tuple[int, list[store.battles.StoredReply]]:
    """The newest event, and a page of the replies that another parser read; what is written meanwhile was read by this
    one."""
    with database.read() as connection:
        page = store.battles.unread(connection, judge_name, PARSER_VERSION, after=after)
        return store.events.newest(connection), list(islice(page, _REPARSE_BATCH))


def _differs(old: Verdict, new: Verdict) -> bool:
    both = ((one.status, one.source, one.preference, one.score, one.goals, one.spans) for one in (old, new))
    return len({*both}) > 1
