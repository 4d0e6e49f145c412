"""Searching a prefix against a judge with log-probabilities: asked here, kept every few steps, continued by the same
command with as many steps or more."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from judgebench import engine, store
from judgebench.audits import null_models as rs
from judgebench.audits.null_models import PREFIX, Entrant
from judgebench.engine.judges import OpenModel, ResolvedJudge, open_judge, resolve
from judgebench.engine.run import Asker
from judgebench.errors import InputError
from judgebench.records import Battle, Instruction, Order, Output, Source, Trial, Verdict, content_key
from judgebench.services.audits.stage import Stage, enter
from judgebench.spec import JudgeSpec
from judgebench.store.audits import Subject, add_audit, newest_audits
from judgebench.store.database import Database

KIND = "random-search"
_KEPT_EVERY = 16  # steps


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Which judge is searched against, and how far."""

    benchmark: str
    judge: JudgeSpec
    steps: int
    seed: int = 0
    concurrency: int = 16


def searched(
    database: Database, plan: SearchPlan, stage: Stage, environment: Mapping[str, str]
) -> tuple[Stage, dict[str, Any]]:
    """The stage with the entrant that a search of ``steps`` found, without the instructions that it was searched on;
    and what the search took, in plain values.

    Raises InputError where the judge gives no log-probabilities or there are too few instructions, and JudgeError.
    """
    held_out = min(rs.HELD_OUT, len(stage.drawn) // 3)
    if held_out < 1:
        raise InputError("a random search needs at least three instructions that the baseline has answered")
    resolved = resolve(plan.judge)
    opened = open_judge(resolved, environment, concurrency=plan.concurrency)
    search = engine.runner.run_async(
        _Searching(database, plan, stage, (resolved, opened), stage.drawn[-held_out:]).run()
    )
    text = rs.written(search.prefix, resolved.template)
    about = f"a prefix found by {search.step} steps of random search, before a structured response"
    entrant = Entrant(KIND, about, lambda _: text)
    name = f"{PREFIX}{KIND}-{content_key(text)[:8]}@{stage.key}"
    entrants = {**stage.entrants, name: entrant}
    left = replace(stage, entrants=entrants, drawn=stage.drawn[:-held_out])
    enter(database, left, name, entrant)
    return left, {**asdict(search), "held_out": held_out}


class _Searching:
    """One search under way."""

    def __init__(
        self,
        database: Database,
        plan: SearchPlan,
        stage: Stage,
        judge: tuple[ResolvedJudge, OpenModel],
        instructions: Sequence[Instruction],
    ) -> None:
        self._database = database
        self._plan = plan
        self._stage = stage
        resolved, self._opened = judge
        self._judge, self._template = resolved.judge, resolved.template
        self._instructions = instructions
        self._places = asyncio.Semaphore(plan.concurrency)
        self._asker = Asker(self._template, self._judge.settings, self._opened.client, secrets.randbits(128))
        self._questions = 0
        with database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, stage.name)
            found = store.models.outputs_to(connection, benchmark_id, [each.key for each in instructions])
            self._benchmark_id = store.benchmarks.benchmark_id(connection, plan.benchmark)
        self._baseline = found[stage.baseline]
        self._vocabulary = rs.vocabulary([*(each.text for each in instructions), *self._baseline.values()])

    async def run(self) -> rs.PrefixSearch:
        """PrefixSearch up to the planned step, from where it stopped."""
        try:
            await self._opened.check()
            search = self._stored() or await self._first()
            loss = await self._loss(search.prefix, search.step) if search.step < self._plan.steps else search.loss
            while search.step < self._plan.steps:
                step = search.step + 1
                if rs.batch_size(step) != rs.batch_size(search.step):
                    loss = await self._loss(search.prefix, step)
                tried = rs.changed(search.prefix, self._vocabulary, seed=self._plan.seed, step=step)
                found = await self._loss(tried, step)
                prefix, loss = (tried, found) if found <= loss else (search.prefix, loss)
                search = rs.PrefixSearch(step, prefix, loss, search.first_loss, search.questions + self._asked())
                if step % _KEPT_EVERY == 0 or step == self._plan.steps:
                    self._keep(search)
            return search
        finally:
            await self._opened.client.close()

    async def _first(self) -> rs.PrefixSearch:
        loss = await self._loss(rs.begin(), 0, checked=True)
        return rs.PrefixSearch(0, rs.begin(), loss, loss, self._asked())

    def _asked(self) -> int:
        """Questions since it was last called."""
        asked, self._questions = self._questions, 0
        return asked

    async def _loss(self, prefix: Sequence[str], step: int, *, checked: bool = False) -> float:
        text = rs.written(prefix, self._template)
        batch = self._instructions[: rs.batch_size(step)]
        verdicts = await asyncio.gather(*(self._ask(each, text, order) for each in batch for order in Order))
        soft = [each for each in verdicts if each.source in (Source.LOGPROBS, Source.LIKELIHOOD)]
        if checked and not soft:
            raise InputError(
                f"judge {self._judge.name!r} gives no log-probabilities, which a random search follows: leave "
                "--random-search out, or take a template and a server that give them"
            )
        return rs.loss([each.preference for each in verdicts])

    async def _ask(self, instruction: Instruction, text: str, order: Order) -> Verdict:
        """The verdict with its preference for the null model, which is side A by its name."""
        null = Output(instruction.key, "", text)
        other = Output(instruction.key, self._stage.baseline, self._baseline[instruction.key])
        trial = Trial(self._judge.digest, Battle.of(instruction, null, other), order)
        async with self._places:
            self._questions += 1
            return (await self._asker.ask(trial)).verdict

    def _subject(self) -> Subject:
        return Subject(KIND, self._benchmark_id, self._judge.digest)

    def _stored(self) -> rs.PrefixSearch | None:
        """The search as it was last kept, if it was this one; it may have gone further than is wanted now."""
        with self._database.read() as connection:
            found = newest_audits(connection, self._benchmark_id, kind=KIND, judges=[self._judge.digest])
        for each in found:
            state = each.document["state"]
            if each.document["key"] == [self._stage.key, self._plan.seed]:
                return rs.PrefixSearch(**{**state, "prefix": tuple(state["prefix"])})
        return None

    def _keep(self, search: rs.PrefixSearch) -> None:
        document = {"findings": [], "key": [self._stage.key, self._plan.seed], "state": asdict(search)}
        with self._database.write() as connection:
            add_audit(connection, self._subject(), passed=True, document=document)
