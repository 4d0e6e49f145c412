"""Running a study: plan its trials, ask those without an answer, store what comes back. Restarting continues it."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from judgebench.clients.prices import Price
from judgebench.errors import InputError, UnknownName
from judgebench.execution.asking import Asker
from judgebench.execution.judges import OpenJudge, describe, open_judge
from judgebench.execution.runner import Limits, Runner, Tally
from judgebench.judging.design import battles, identical_verdict, trials
from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.templates import render
from judgebench.records import ChatPrompt, Judge, Prompt, Status, Trial, Verdict
from judgebench.spec import Study, load_template
from judgebench.store import battle_reader, reader, writer
from judgebench.store.database import Database
from judgebench.store.verdict_writer import TrialResult, VerdictWriter, add_reparsed

_PAGE = 20  # instructions read at a time
_PROGRESS_S = 0.25
_REPARSE_BATCH = 500
_ESTIMATE_BATCH = 400
_NO_NONCE = "0" * 16  # prompts are only measured


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study asks for, before anything is asked."""

    benchmark_id: int
    judge: Judge
    models: tuple[str, ...]
    battles: int
    trials: int  # planned, whether answered already or not
    missing: Mapping[str, int]  # model -> instructions of the benchmark that it has no output for, where there are any


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    judge: str
    tally: Tally
    calls: int
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """What running a plan would take. Tokens are characters / 4, for want of the judge's own tokenizer."""

    plan: Plan
    answered: int  # trials that have a verdict already
    identical: int  # trials decided without a call
    calls: int
    prompt_tokens: int
    cost_usd: float | None  # of the prompts; None without a price


# Is told the tally and the calls so far; where it returns true the run stops as after a first interrupt.
OnProgress = Callable[[Tally, int], bool | None]


def plan(database: Database, study: Study) -> Plan:
    """Count what the study asks for. Raises InputError where it cannot be done as written."""
    judge, template = describe(study.judge)
    if template.kind != "pairwise":
        raise InputError(
            f"template {template.id} is {template.kind}: a study compares outputs, choose a pairwise template"
        )
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, study.benchmark)
        models = _models(study, [model.name for model in reader.models(connection, benchmark_id)])
        presence = reader.presence(connection, benchmark_id, models, category=study.category)
    chosen = list(presence.values())[: study.limit]
    if study.category is not None and not chosen:
        raise InputError(f"benchmark {study.benchmark!r} has no instruction in category {study.category!r}")
    met = sum(_battles(study, present) for present in chosen)
    if not met:
        raise InputError("the study asks for no battle: no instruction has outputs of two models that are to meet")
    absent = {model: sum(model not in present for present in chosen) for model in models}
    per_battle = study.repeats * (2 if study.orders == "both" else 1)
    missing = {model: count for model, count in absent.items() if count}
    return Plan(benchmark_id, judge, models, met, met * per_battle, missing)


def estimate(database: Database, study: Study) -> Estimate:
    """Count what running the study would ask now; nothing is asked or written. Raises InputError as ``plan`` does."""
    planned = plan(database, study)
    _, template = describe(study.judge)
    answered = identical = calls = chars = 0
    stream = planned_trials(database, study, planned)
    while chunk := list(islice(stream, _ESTIMATE_BATCH)):
        with database.read() as connection:
            known = reader.revisions(connection, [trial.key for trial in chunk])
        for trial in chunk:
            if known.get(trial.key, (0, Status.FAILED))[1] is not Status.FAILED:
                answered += 1
            elif identical_verdict(trial) is not None:
                identical += 1
            else:
                calls += 1
                chars += _prompt_chars(render(template, trial, nonce=_NO_NONCE))
    price = None if study.judge.price is None else Price.parse(study.judge.price)
    tokens = chars // 4
    return Estimate(planned, answered, identical, calls, tokens, None if price is None else price.prompt * tokens / 1e6)


def planned_trials(database: Database, study: Study, plan: Plan) -> Iterator[Trial]:
    """The study's trials, a page of instructions in memory at a time and no snapshot held between pages."""
    after, left = 0, study.limit
    pairs = study.pairs or None
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        with database.read() as connection:
            page = reader.questions(
                connection, plan.benchmark_id, plan.models, after=after, limit=size, category=study.category
            )
        if not page:
            return
        for question in page:
            for battle in battles(question.instruction, question.outputs, baseline=study.baseline, pairs=pairs):
                yield from trials(
                    battle, plan.judge.digest, orders=study.orders, repeats=study.repeats, seed=study.seed
                )
        after = page[-1].id
        left = None if left is None else left - len(page)


def run(
    database: Database, study: Study, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> RunReport:
    """Ask every trial of the study that has no answer yet; the first interrupt drains, the second stops at once.

    ``environment`` holds the judge's key under the name that the study gives.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses; answers that came before stay stored.
    """
    planned = plan(database, study)
    opened = open_judge(study.judge, environment, concurrency=study.concurrency)
    return asyncio.run(_run(database, study, planned, opened, on_progress or _silent))


def reparse(database: Database, judge_name: str) -> tuple[int, int]:
    """Read a judge's stored completions with the current parser; no call is made.

    Returns how many were read, and how many verdicts are now otherwise. Recorded verdicts are left as published.

    Raises UnknownName, and InputError when the judge's template is not the one it was asked with.
    """
    with database.read() as connection:
        judge = reader.judge(connection, judge_name)
        unread = list(battle_reader.unread(connection, judge_name, PARSER_VERSION))
    if not unread:
        return 0, 0
    template = load_template(judge.template)
    if template.digest != judge.template_digest:
        raise InputError(f"template {judge.template} has changed since {judge_name!r} was asked with it: bring it back")
    changed = 0
    for start in range(0, len(unread), _REPARSE_BATCH):
        batch = unread[start : start + _REPARSE_BATCH]
        verdicts = {each.verdict_id: parse(each.completion, template, each.trial) for each in batch}
        changed += sum(_differs(each.verdict, verdicts[each.verdict_id]) for each in batch)
        with database.write() as connection:
            add_reparsed(connection, verdicts)
    return len(unread), changed


def _differs(old: Verdict, new: Verdict) -> bool:
    return (old.status, old.preference, old.score) != (new.status, new.preference, new.score)


class _StoreSink:
    """The database as the runner sees it."""

    def __init__(self, database: Database, verdicts: VerdictWriter) -> None:
        self._database = database
        self._verdicts = verdicts

    def known(self, trial_keys: Sequence[str]) -> Mapping[str, Status]:
        with self._database.read() as connection:
            return {key: status for key, (_, status) in reader.revisions(connection, trial_keys).items()}

    def add(self, results: Sequence[TrialResult]) -> None:
        with self._database.write() as connection:
            self._verdicts.add(connection, results)


async def _run(
    database: Database, study: Study, planned: Plan, opened: OpenJudge, on_progress: OnProgress
) -> RunReport:
    try:
        await opened.check()
        run_id, sink = _start(database, study, planned)
        asker = Asker(opened.template, planned.judge.settings, opened.client, secrets.randbits(128))
        limits = Limits(study.concurrency, study.max_cost, study.max_failures)
        runner = Runner(asker.ask, sink, planned=planned.trials, limits=limits)
        reporting = asyncio.create_task(_report(runner, opened, on_progress))
        try:
            with _Interrupts(runner):
                await runner.run(planned_trials(database, study, planned))
        finally:
            reporting.cancel()
            on_progress(runner.tally, opened.calls)
        if not runner.stopped:
            with database.write() as connection:
                writer.finish_run(connection, run_id)
        return RunReport(planned.judge.name, runner.tally, opened.calls, runner.stopped)
    finally:
        await opened.client.close()


def _start(database: Database, study: Study, planned: Plan) -> tuple[int, _StoreSink]:
    with database.write() as connection:
        run_id = writer.start_run(
            connection,
            benchmark_id=planned.benchmark_id,
            judge_id=writer.add_judge(connection, planned.judge),
            kind="run",
            specification=study.model_dump(mode="json", exclude_defaults=True),
        )
        return run_id, _StoreSink(database, VerdictWriter(connection, run_id))


async def _report(runner: Runner, opened: OpenJudge, on_progress: OnProgress) -> None:
    while True:
        if on_progress(runner.tally, opened.calls):
            runner.stop()
        await asyncio.sleep(_PROGRESS_S)


class _Interrupts:
    """The first interrupt lets what is in flight end; the second is the usual KeyboardInterrupt."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._installed = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGINT, self._first, loop)
            self._installed = True
        except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or not on this platform
            self._installed = False

    def __exit__(self, *_: object) -> None:
        if self._installed:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def _first(self, loop: asyncio.AbstractEventLoop) -> None:
        self._runner.stop()
        loop.remove_signal_handler(signal.SIGINT)
        self._installed = False


def _models(study: Study, present: Sequence[str]) -> tuple[str, ...]:
    """The models that meet, the baseline included."""
    named = [*study.models, *(name for pair in study.pairs for name in pair)]
    named += [] if study.baseline is None else [study.baseline]
    for name in named:
        if name not in present:
            raise UnknownName("model", name, present)
    chosen = set(named) if study.models or study.pairs else set(present)
    return tuple(sorted(chosen))


def _battles(study: Study, present: set[str]) -> int:
    """How many battles one instruction gives whose outputs are by ``present``."""
    if study.baseline is not None:
        return len(present) - 1 if study.baseline in present else 0
    if study.pairs:
        wanted = {tuple(sorted(pair)) for pair in study.pairs}
        return sum(one in present and other in present for one, other in wanted)
    return len(present) * (len(present) - 1) // 2


def _prompt_chars(prompt: Prompt) -> int:
    if isinstance(prompt, ChatPrompt):
        return sum(len(message.content) for message in prompt.messages)
    return len(prompt.outputs) * len(prompt.instruction) + 2 * sum(len(output) for output in prompt.outputs)


def _silent(tally: Tally, calls: int) -> None:
    """No one is watching."""
