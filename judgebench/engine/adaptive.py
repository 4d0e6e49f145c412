"""An adaptive study: battles chosen by what earlier ones said, until its question is settled or its budget is spent.

The order of instructions and the opponents are drawn from the seed alone, so the same command asks the same trials
while the verdicts are the same: a stopped study continues, and a finished one asks nothing. ``stats.race`` tells how
the models are chosen and when the question is settled.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from judgebench import store
from judgebench.engine.judges import OpenJudge, open_judge
from judgebench.engine.plan import Plan, plan
from judgebench.engine.run import Judging, RunReport, begin, finish
from judgebench.engine.runner import Limits, OnProgress, Runner, Tally, drive, limits_of, run_async, silent
from judgebench.errors import InputError
from judgebench.judging.design import trials
from judgebench.records import Battle, Status, Trial, content_key
from judgebench.spec import Study
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
    database: Database, study: Study, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> Settlement:
    """Compare until the study's question is settled; interrupts as in ``run``.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses; answers that came before stay stored.
    """
    planned = plan(database, study)
    settling = _Settling(database, study, planned)
    opened = open_judge(study.judge, environment, concurrency=study.concurrency)
    return run_async(settling.run(opened, on_progress or silent))


@dataclass(frozen=True, slots=True)
class _Meeting:
    """One observation: a model on an instruction against an opponent."""

    model: str
    battle: Battle
    trials: tuple[Trial, ...]


class _Field:
    """Who meets whom on which instruction: each model's own sequence of instructions, drawn once."""

    def __init__(self, database: Database, study: Study, planned: Plan) -> None:
        self._database = database
        self._study = study
        self._planned = planned
        with database.read() as connection:
            places = store.benchmarks.instruction_places(connection, planned.benchmark_id, category=study.category)
            present = list(
                store.benchmarks.presence(connection, planned.benchmark_id, planned.models, category=study.category)
            )
        found = list(zip(places, present, strict=True))[: study.limit]
        random.Random(study.seed).shuffle(found)  # noqa: S311  # a design, no secret
        self._instructions = [(place, who) for place, who in found if len(who) > 1]
        self._next = dict.fromkeys(planned.models, 0)
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

    def _rival(self, model: str, instruction: int, present: set[str]) -> str | None:
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
        with self._database.read() as connection:
            [question] = store.benchmarks.questions(
                connection, self._planned.benchmark_id, (model, rival), after=place - 1, limit=1
            )
        battle = Battle.of(question.instruction, question.outputs[model], question.outputs[rival])
        orders, seed = self._study.orders, self._study.seed
        return _Meeting(model, battle, tuple(trials(battle, self._planned.judge.digest, orders=orders, seed=seed)))


class _Settling:
    """The loop: look, choose, ask, look again."""

    def __init__(self, database: Database, study: Study, planned: Plan) -> None:
        if study.budget is None:
            raise InputError("an adaptive design needs a budget of trials: --budget N")
        self._database = database
        self._study = study
        self._planned = planned
        self._budget = study.budget
        self._race = Race(planned.models, RankingQuestion(study.better, study.top), error=study.error)
        self._field = _Field(database, study, planned)
        self._asked: set[str] = set()  # keys of trials
        self._tally = Tally(0, {}, 0.0)
        self._looks = self._left_out = 0
        self._stopped = False

    async def run(self, opened: OpenJudge, on_progress: OnProgress) -> Settlement:
        try:
            judging = await begin(self._database, self._study, self._planned, opened)
            why = ""
            while not why:
                self._looks += 1
                round_ = self._choose()
                why = self._why(round_)
                if not why:
                    await self._ask(judging, round_, on_progress)
            if self._race.settled:
                finish(self._database, judging)
            return self._settlement(judging.report(self._tally, interrupted=self._stopped), why)
        finally:
            await opened.client.close()

    def _why(self, round_: list[_Meeting]) -> str:
        """Why it ends now; "" where it goes on."""
        if self._race.settled:
            return "settled"
        if self._stopped:
            return "interrupted"
        if self._tally.pending:
            return "stopped by a limit on cost or errors"
        if not round_:
            spent = len(self._asked) + 1 >= self._budget
            return "the budget is spent" if spent else "every instruction was used"
        return ""

    def _choose(self) -> list[_Meeting]:
        """The next observations: a round of as many trials as may be in flight, within the budget."""
        if self._race.settled or self._stopped:
            return []
        found: list[_Meeting] = []
        new: set[str] = set()
        while len(new) < self._study.concurrency:
            wanted = self._race.wanted(self._field.exhausted)
            meetings = [meeting for model in wanted if (meeting := self._field.next(model)) is not None]
            if not wanted:
                return found
            for meeting in meetings:
                keys = {trial.key for trial in meeting.trials} - self._asked - new
                if len(self._asked) + len(new) + len(keys) > self._budget:
                    return found
                new |= keys
                found.append(meeting)
        return found

    async def _ask(self, judging: Judging, round_: list[_Meeting], on_progress: OnProgress) -> None:
        asked = {trial.key: trial for meeting in round_ for trial in meeting.trials if trial.key not in self._asked}
        before = self._tally

        def progress(tally: Tally, calls: int) -> bool | None:
            return on_progress(replace(_sum(before, tally), planned=self._budget), calls)

        if asked:
            runner = Runner(judging.asker.ask, judging.sink, planned=len(asked), limits=self._limits())
            await drive(runner, asked.values(), judging.questions, progress)
            self._asked |= asked.keys()
            self._tally = _sum(before, runner.tally)
            self._stopped = runner.stopped
        with self._database.read() as connection:
            said = store.verdicts.preferences(connection, [trial.key for meeting in round_ for trial in meeting.trials])
        for meeting in round_:
            value = _value(meeting, said)
            if value is None:
                self._left_out += 1
            else:
                self._race.observe(meeting.model, value)

    def _limits(self) -> Limits:
        limits, spent = limits_of(self._study), self._tally.cost_usd or 0.0
        cost = None if limits.max_cost_usd is None else max(0.0, limits.max_cost_usd - spent)
        failed = self._tally.ended.get(Status.FAILED, 0)
        errors = None if limits.max_errors is None else max(0, limits.max_errors - failed)
        return replace(limits, max_cost_usd=cost, max_errors=errors)

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


def _value(meeting: _Meeting, said: Mapping[str, float | None]) -> float | None:
    """Mean preference for the model over the orders; None where one of them has none, so that position cannot tell."""
    found = [said.get(trial.key) for trial in meeting.trials]
    known = [preference for preference in found if preference is not None]
    if len(known) < len(found):
        return None
    mean = sum(known) / len(known)
    return mean if meeting.battle.a.model == meeting.model else 1.0 - mean


def _sum(one: Tally, other: Tally) -> Tally:
    cost = None if one.cost_usd is None or other.cost_usd is None else one.cost_usd + other.cost_usd
    return Tally(one.planned + other.planned, Counter(one.ended) + Counter(other.ended), cost)
