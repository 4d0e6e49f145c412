"""An adaptive study: battles chosen by what earlier ones said, until its question is settled or its budget is spent.

The order of instructions and the opponents are drawn from the seed alone, so the same command asks the same trials
while the verdicts are the same: a stopped study continues, and a finished one asks nothing. ``stats.race`` tells how
the models are chosen and when the question is settled.
"""

import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from judgebench import store
from judgebench.engine.judges import OpenModel, ResolvedJudge, open_model
from judgebench.engine.plan import RunPlan, battles, plan, trials
from judgebench.engine.run import Judging, RunReport, less
from judgebench.engine.runner import OnProgress, Runner, RunTally, run_async
from judgebench.engine.sight import check_sight
from judgebench.errors import InputError
from judgebench.keys import content_key
from judgebench.records import Status, Trial
from judgebench.spec import Pace, Study
from judgebench.stats.adaptive import Race, RankingQuestion, Standing
from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an adaptive study ended."""

    run: RunReport
    question: str
    settled: bool
    answer: tuple[str, ...]  # the better model, the top k, or all from the best to the worst; empty: not settled
    error: float  # chance of settling it wrongly, however often it was looked at
    budget: int  # trials
    looks: int
    left_out: int  # battles without a preference in each order
    why: str  # it ended
    standings: tuple[Standing, ...]


def settle(
    database: Database,
    study: Study,
    *,
    environment: Mapping[str, str],
    judge: ResolvedJudge | None = None,
    on_progress: OnProgress | None = None,
    spent_usd: float = 0.0,
) -> Settlement:
    """``settling`` in an event loop of its own."""
    how: dict[str, Any] = {"judge": judge, "on_progress": on_progress, "spent_usd": spent_usd}
    return run_async(settling(database, study, environment=environment, **how))


async def settling(
    database: Database,
    study: Study,
    *,
    environment: Mapping[str, str],
    judge: ResolvedJudge | None = None,
    on_progress: OnProgress | None = None,
    spent_usd: float = 0.0,
) -> Settlement:
    """Compare until the study's question is settled; arguments and interrupts as in ``running``.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses; answers that came before stay stored.
    """
    planned = plan(database, study, judge)
    settling = _Settling(database, planned, spent_usd)
    opened = open_model(planned.resolved, environment, concurrency=study.concurrency, max_calls=study.max_calls)
    try:
        await opened.check()
        await check_sight(database, planned.benchmark_id, planned.resolved, opened)
        return await settling.run(opened, on_progress)
    finally:
        await opened.close()


@dataclass(frozen=True, slots=True)
class _Meeting:
    """One observation: a model on an instruction against an opponent."""

    model: str
    rival: str
    trials: tuple[Trial, ...]


class _Field:
    """Who meets whom on which instruction: each model's own sequence of instructions, drawn once."""

    def __init__(self, database: Database, plan: RunPlan) -> None:
        self._database = database
        self._study = study = plan.study
        self._plan = plan
        with database.read() as connection:
            places = store.benchmarks.instruction_places(connection, plan.benchmark_id, category=study.category)
            presence = store.benchmarks.presence(connection, plan.benchmark_id, plan.models, category=study.category)
            present = [models for _, models in presence]
        instructions = list(zip(places, present, strict=True))[: study.limit]
        random.Random(study.seed).shuffle(instructions)  # noqa: S311  # a design, no secret
        self._instructions = [(place, models) for place, models in instructions if len(models) > 1]
        self._next = dict.fromkeys(plan.models, 0)
        self.exhausted: set[str] = set()

    def next(self, model: str) -> _Meeting | None:
        """The model's next observation; None when every instruction that it answered was used."""
        for place in range(self._next[model], len(self._instructions)):
            self._next[model] = place + 1
            instruction, present = self._instructions[place]
            rival = self._rival(model, instruction, present)
            if rival is not None:
                return self._meeting(model, rival, instruction)
        self.exhausted.add(model)
        return None

    def _rival(self, model: str, instruction: int, present: Collection[str]) -> str | None:
        """The opponent in a pairing of all, drawn for the instruction, so that one battle may serve two models."""
        if model not in present:
            return None
        if self._study.better is not None:
            return next((name for name in self._study.better if name != model and name in present), None)
        seed = content_key("pairing", self._study.seed, instruction)
        drawn = sorted(present, key=lambda name: content_key(seed, name))
        place = drawn.index(model) ^ 1
        if place < len(drawn):
            return drawn[place]
        others = drawn[:-1]  # an odd one out meets anybody
        return others[int(content_key(seed, "odd"), 16) % len(others)]

    def _meeting(self, model: str, rival: str, place: int) -> _Meeting:
        [question] = store.benchmarks.answered_instructions(
            self._database, self._plan.benchmark_id, (model, rival), after=place - 1, limit=1
        )
        digest, template = self._plan.resolved.judge.digest, self._plan.resolved.template
        orders, seed, instruction = self._study.orders, self._study.seed, question.instruction
        met = battles(instruction, question.samples, pairs=[(model, rival)])
        planned = (
            trials(battle, digest, orders=orders, seed=seed, shown=template.shown(instruction, battle.a, battle.b))
            for battle in met
        )
        return _Meeting(model, rival, tuple(chain.from_iterable(planned)))


class _Settling:
    """The loop: look, choose, ask, look again."""

    def __init__(self, database: Database, plan: RunPlan, spent_usd: float) -> None:
        study = plan.study
        if study.budget is None:
            raise InputError("an adaptive design needs a budget of trials: --budget N")
        self._database = database
        self._study = study
        self._spent_usd = spent_usd  # before
        self._plan = plan
        self._budget = study.budget
        self._race = Race(plan.models, RankingQuestion(study.better, study.top), error=study.error)
        self._field = _Field(database, plan)
        self._trials: set[str] = set()  # keys of those that were asked
        self._tally = RunTally(0, {}, 0.0)
        self._looks = self._left_out = 0
        self._stopped = False

    async def run(self, opened: OpenModel, on_progress: OnProgress | None) -> Settlement:
        judging = Judging(self._database, self._plan, opened)
        why = ""
        while not why:
            self._looks += 1
            round_ = self._choose()
            why = self._why(round_)
            if not why:
                await self._ask(judging, opened, round_, on_progress)
        if self._race.settled:
            judging.finish()
        return self._settlement(judging.report(self._tally, interrupted=self._stopped), why)

    def _why(self, round_: list[_Meeting]) -> str:
        """Why it ends now; "" where it goes on."""
        if self._race.settled:
            return "settled"
        if self._stopped:
            return "interrupted"
        if self._tally.pending:
            return "stopped by a limit on cost, calls or errors"
        if not round_:
            spent = len(self._trials) + 1 >= self._budget
            return "the budget is spent" if spent else "every instruction was used"
        return ""

    def _choose(self) -> list[_Meeting]:
        """The next observations: a round of as many trials as may be in flight, within the budget."""
        if self._race.settled or self._stopped:
            return []
        round_: list[_Meeting] = []
        new: set[str] = set()
        while len(new) < self._study.concurrency:
            models = self._race.next_models(self._field.exhausted)
            meetings = [meeting for model in models if (meeting := self._field.next(model)) is not None]
            if not models:
                return round_
            for meeting in meetings:
                keys = {trial.key for trial in meeting.trials} - self._trials - new
                if len(self._trials) + len(new) + len(keys) > self._budget:
                    return round_
                new |= keys
                round_.append(meeting)
        return round_

    async def _ask(
        self, judging: Judging, opened: OpenModel, round_: list[_Meeting], on_progress: OnProgress | None
    ) -> None:
        new = {trial.key: trial for meeting in round_ for trial in meeting.trials if trial.key not in self._trials}
        before = self._tally

        def progress(tally: RunTally, calls: int) -> bool | None:
            return (
                None if on_progress is None else on_progress(replace(_sum(before, tally), planned=self._budget), calls)
            )

        if new:
            runner = Runner(
                judging.asker.ask,
                judging,
                planned=len(new),
                pace=self._pace(),
                calls=lambda: opened.questions,
                on_progress=progress,
            )
            await runner.run(new.values(), judging.claims())
            self._trials |= new.keys()
            self._tally = _sum(before, runner.tally)
            self._stopped = runner.stopped
        keys = [trial.key for meeting in round_ for trial in meeting.trials]
        with self._database.read() as connection:
            preferences = store.verdicts.preferences(connection, self._plan.benchmark_id, keys)
        for meeting in round_:
            value = _value(meeting, preferences)
            if value is None:
                self._left_out += 1
            else:
                self._race.observe(meeting.model, value)

    def _pace(self) -> Pace:
        """The study's, less what is spent already."""
        study, failed = self._study, self._tally.ended.get(Status.FAILED, 0)
        errors = None if study.max_errors is None else max(0, study.max_errors - failed)
        left = less(study, self._spent_usd + (self._tally.cost_usd or 0.0))
        return left.model_copy(update={"max_errors": errors})

    def _settlement(self, run: RunReport, why: str) -> Settlement:
        return Settlement(
            run=run,
            question=str(self._race.question),
            settled=self._race.settled,
            answer=self._race.answer,
            error=self._study.error,
            budget=self._budget,
            looks=self._looks,
            left_out=self._left_out,
            why=why,
            standings=self._race.standings(),
        )


def _value(meeting: _Meeting, preferences: Mapping[str, float | None]) -> float | None:
    """Mean preference for the model over orders and samples; None where one has none, so that position cannot tell."""
    known = [value for trial in meeting.trials if (value := preferences.get(trial.key)) is not None]
    if len(known) < len(meeting.trials):
        return None
    mean = sum(known) / len(known)
    return mean if meeting.model < meeting.rival else 1.0 - mean


def _sum(one: RunTally, other: RunTally) -> RunTally:
    cost = None if one.cost_usd is None or other.cost_usd is None else one.cost_usd + other.cost_usd
    ended = dict(Counter(one.ended) + Counter(other.ended))
    return RunTally(
        planned=one.planned + other.planned,
        ended=ended,
        cost_usd=cost,
        taken_over=one.taken_over + other.taken_over,
        stopped_by=other.stopped_by,
        by_others=one.by_others + other.by_others,
        awaited=other.awaited,
    )
