"""The null-model audit: entrants that ignore the instruction are judged in rounds until the gate is decided.

They are stored like models, beside the baseline's outputs, under names ``null:NAME@KEY``; what hangs on more than the
stage's key, a persuader or what a search led to, holds a key of its own, ``null:NAME-KEY@KEY``. A random search looks
for a further entrant first; it is kept every few steps, and continued by the same command with as many steps or more.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from judgebench import engine, services, store
from judgebench.audits import null_models as entrants
from judgebench.audits import persuaders
from judgebench.audits.defences import NAMES, NONE, SETTING, VERDICT_NONCE, VOIDING, check_defence
from judgebench.audits.findings import AuditReport, mean_by_instruction, mean_estimate
from judgebench.audits.null_gate import (
    EntrantResult,
    NullGate,
    Seen,
    Uplift,
    gate_report,
    measure,
    next_round,
    resolution,
    uplift,
)
from judgebench.audits.null_models import PREFIX, Entrant, PrefixSearch
from judgebench.counts import count
from judgebench.engine.judges import ResolvedJudge
from judgebench.engine.run import Asker
from judgebench.engine.trial_images import TrialImages
from judgebench.errors import InputError
from judgebench.estimate import Estimate
from judgebench.judging.nonces import check_form, is_forced
from judgebench.judging.templates import Template
from judgebench.records import Battle, Instruction, Order, Output, Source, Trial, Verdict
from judgebench.services.audits.defences import HONEST_PAIRS, UNDEFENDED, price_defences
from judgebench.services.audits.registry import Asking, NullModelAudit
from judgebench.services.audits.stage import (
    AuditInterrupted,
    Stage,
    StageJudge,
    answered_by_all,
    choose_baseline,
    drawn,
    identity,
    set_stage,
    stage_key,
)
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.audits import Subject, add_audit, newest_audits
from judgebench.store.benchmarks import AnsweredInstruction
from judgebench.store.database import Database

SEARCH = "random-search"  # the entrant, and the kind under which the state of a search is kept
_FEW = 20  # instructions
_EXCHANGED = 2  # instructions, without which no output can be exchanged for another
_ORDERS = 2
_TOLD_BY = 200  # instructions by which a real model must be told from one that never wins, to be a limit
_KEPT_EVERY = 16  # steps of a search


@dataclass(frozen=True, slots=True)
class NullStage:
    """The null models beside the baseline's outputs, stored."""

    stage: Stage
    baseline: str
    chosen: str  # why this baseline, in words; "" where it was named
    entrants: Mapping[str, Entrant]  # by the name under which each is stored
    notes: tuple[str, ...] = ()


def null_models(database: Database, settings: NullModelAudit, asking: Asking) -> AuditReport:
    """Enter the null models against the baseline, ask until the gate is decided, and report; under several defences
    side by side, the report is that of the judge as it is.

    Raises InputError for a benchmark without outputs, UnknownName, and JudgeError when the judge cannot be asked.
    """
    judge = services.judges.resolved(database, settings.judge)
    names, chosen = _defences(settings, judge)
    if settings.random_search and (settings.max_calls is not None or settings.max_cost is not None):
        raise InputError("max_calls and max_cost do not hold for a random search: leave them out, or the search")
    judges = {name: StageJudge.of(database, _defended(judge, name), settings.concurrency, asking) for name in names}
    entered = _set_null_stage(database, settings, judges[chosen])
    search: dict[str, Any] = {}
    if settings.random_search:
        entered, search = _searched(database, settings, entered, judges[chosen])
    reports = {name: _Rounds(settings, entered, judge).report() for name, judge in judges.items()}
    details: dict[str, Any] = {**reports[chosen].details, **search}
    if settings.defences and all(report.finished for report in reports.values()):
        rows = price_defences(settings.benchmark, settings.honest, entered.stage, entered.baseline, judges, reports)
        details |= {"defence": chosen, "defences": rows}
    usual = NullGate()
    settles = settings.fail_above <= usual.fail_above and settings.error <= usual.error
    finished = all(report.finished for report in reports.values())
    return replace(
        reports[chosen], details=details, about=(judges[chosen].judge.digest,), settles=settles, finished=finished
    )


def most_calls(database: Database, settings: NullModelAudit) -> int:
    """Where every entrant has to be asked about to the end; most audits end after a fraction. Raises as the audit."""
    judge = services.judges.resolved(database, settings.judge)
    names, _ = _defences(settings, judge)
    entering = _entering(database, settings, judge.template)
    instructions = min(settings.limit, len(entering.answered))
    entrants = len(entering.nulls) + len(entering.claiming)
    if judge.template.kind != "pairwise":
        return (entrants + 1) * instructions
    honest = HONEST_PAIRS * settings.honest if settings.defences else 0
    return len(names) * _ORDERS * (entrants * instructions + honest)


def _defended(judge: ResolvedJudge, defence: str) -> ResolvedJudge:
    """The judge behind a defence, as another judge. Raises UnknownName."""
    check_defence(defence)
    if defence == NONE:
        return judge
    if defence == VERDICT_NONCE:
        check_form(judge.template, judge.judge.settings)
    name = f"{judge.judge.name}+{defence}"
    settings = {**judge.spec.settings, SETTING: defence}
    spec = judge.spec.model_copy(update={"name": name, "settings": settings, "same_judge": True})  # as the judge is
    identity = replace(judge.judge, name=name, settings={**judge.judge.settings, SETTING: defence})
    return replace(judge, judge=identity, spec=spec)


def _defences(settings: NullModelAudit, judge: ResolvedJudge) -> tuple[list[str], str]:
    """Under which the judge is asked, in the order of a comparison, without what was not named and does not go with its
    template; and that by which it passes or fails."""
    template = judge.template
    if not settings.defences:
        if len(settings.defence) > 1:
            raise InputError("several defences are measured side by side: add --defences")
        return [*settings.defence] or [NONE], (settings.defence or (NONE,))[0]
    if template.kind != "pairwise" or not template.user:
        raise InputError(
            f"template {template.id}: defences are compared on prompts that show two outputs; take another"
        )
    for name in settings.defence:
        check_defence(name)
    possible = [name for name in NAMES if name != VERDICT_NONCE or not is_forced(judge.judge.settings)]
    return [name for name in NAMES if name in {*(settings.defence or possible), UNDEFENDED, NONE}], NONE


@dataclass(frozen=True, slots=True)
class _Entering:
    """Who enters, and whom they meet where."""

    baseline: str
    chosen: str  # why this baseline, in words; "" where it was named
    answered: Sequence[AnsweredInstruction]  # by the baseline
    nulls: Sequence[Entrant]
    claiming: Sequence[Entrant]


def _entering(database: Database, settings: NullModelAudit, template: Template) -> _Entering:
    """Raises InputError where no model can be the baseline, and UnknownName."""
    baseline, chosen = settings.baseline, ""
    if baseline is None:
        baseline, chosen = choose_baseline(database, settings.benchmark)
    answered = answered_by_all(database, settings.benchmark, [baseline])
    good = {row.instruction.key: row.outputs[baseline] for row in answered}
    words = {key: _words(output) for key, output in good.items()}
    nulls = entrants.panel(template, words, seed=settings.seed)
    return _Entering(baseline, chosen, answered, nulls, persuaders.persuaders(template, good, seed=settings.seed))


def _set_null_stage(database: Database, settings: NullModelAudit, judge: StageJudge) -> NullStage:
    """Raises as ``_entering``."""
    entering = _entering(database, settings, judge.template)
    baseline, answered = entering.baseline, entering.answered
    nulls, claiming = entering.nulls, entering.claiming
    good = {row.instruction.key: row.outputs[baseline] for row in answered}
    order = [row.instruction for row in drawn(answered, settings.seed)]
    written = {entrant.name: _written(entrant, order) for entrant in (*nulls, *claiming)}
    known = {name: [_known(text) for text in outputs.values()] for name, outputs in written.items()}
    known_by = sorted((key, identity(output)) for key, output in good.items())
    firsts = [known[entrant.name][0] for entrant in nulls]
    key = stage_key(judge.template.digest, settings.seed, baseline, known_by, firsts)
    by_name = {f"{PREFIX}{entrant.name}@{key}": entrant for entrant in nulls}
    by_name |= {f"{PREFIX}{entrant.name}-{stage_key(known[entrant.name])}@{key}": entrant for entrant in claiming}
    outputs = {name: written[entrant.name] for name, entrant in by_name.items()}
    stage = set_stage(database, settings.benchmark, key, order, {baseline: good, **outputs})
    return NullStage(stage, baseline, entering.chosen, by_name, tuple(_about_baseline(answered, baseline)))


def _words(output: Output) -> str:
    """What an entrant that exchanges the baseline's outputs takes of one."""
    return output.text if output.plain else output.whole


def _about_baseline(answered: Sequence[AnsweredInstruction], baseline: str) -> Iterator[str]:
    """What of the baseline's outputs null models do not meet as it is."""
    if len(answered) < _EXCHANGED:
        yield f"{baseline} has one output only, so that none can be exchanged: the shuffled entrant was left out"
    more = sum(not row.outputs[baseline].plain for row in answered)
    if more:
        yield (
            f"{more:,} of {count(len(answered), 'output')} of {baseline} hold more than text, such as tool calls or "
            "files: null models met them whole, and the shuffled entrant took their words alone"
        )
    several = sum(len(row.samples[baseline]) > 1 for row in answered)
    if several:
        of_all = f"{several:,} of {count(len(answered), 'instruction')}"
        yield f"on {of_all} {baseline} has several samples: the first was met"


def _written(entrant: Entrant, instructions: Sequence[Instruction]) -> dict[str, str | Output]:
    return {instruction.key: entrant.write(instruction) for instruction in instructions}


def _known(entered: str | Output) -> str:
    return entered if isinstance(entered, str) else identity(entered)


class _Rounds:
    """One judge and the entrants of a stage, asked round after round."""

    def __init__(self, settings: NullModelAudit, entered: NullStage, judge: StageJudge) -> None:
        self._settings = settings
        self._entered = entered
        self._stage = entered.stage
        self._judge = judge
        self._population = len(self._stage.instructions)
        self._most = min(settings.limit, self._population)
        self._real = judge.win_rates(settings.benchmark, entered.baseline)
        self._gate = self._with_real(NullGate(settings.fail_above, settings.error))

    def report(self) -> AuditReport:
        """Ask until the gate is decided. Raises as ``null_models`` does."""
        sizes: dict[str, int] = {}  # entrant -> instructions that it has been asked about
        results, failures = self._results(sizes), []
        try:
            while further := self._next(results, sizes):
                sizes |= further
                for size in sorted(set(further.values())):
                    self._ask([name for name in further if further[name] == size], size)
                results = self._results(sizes)
        except AuditInterrupted as stopped:
            results, failures = self._results(sizes), [str(stopped)]
        decided = gate_report(results, self._gate, self._real)
        return replace(
            decided,
            failures=(*decided.failures, *failures),
            finished=not failures,
            notes=(*decided.notes, *self._notes()),
            details={**self._about(), **decided.details},
        )

    def _next(self, results: Sequence[EntrantResult], sizes: Mapping[str, int]) -> dict[str, int]:
        return next_round(results, sizes, self._gate, most=self._most, everyone=self._settings.every_entrant)

    def _with_real(self, gate: NullGate) -> NullGate:
        least = resolution(gate, min(self._most, _TOLD_BY), self._population)
        known = [rate for rate in self._real.values() if rate > least]
        return replace(gate, worst_real=min(known, default=None))

    def _about(self) -> dict[str, Any]:
        return {
            "judge": self._judge.judge.name,
            "judge_digest": self._judge.judge.digest,
            "template": self._judge.judge.template,
            "benchmark": self._settings.benchmark,
            "instructions": self._population,
            "stored_as": self._stage.name,
            "baseline": self._entered.baseline,
        }

    def _notes(self) -> Iterator[str]:
        yield from self._entered.notes
        if self._entered.chosen:
            yield f"null models met {self._entered.baseline}: {self._entered.chosen}"
        if self._population < _FEW:
            few = count(self._population, "instruction")
            yield f"only {few} in all: bounds are about what is there, and say little of other instructions"

    def _ask(self, names: Sequence[str], size: int) -> None:
        stored = [name for name, entrant in self._entered.entrants.items() if entrant.name in names]
        baseline = self._entered.baseline
        compared = baseline if self._judge.template.kind == "pairwise" else None
        self._judge.ask(self._stage, models=(*stored, baseline), baseline=compared, limit=size)

    def _results(self, sizes: Mapping[str, int]) -> list[EntrantResult]:
        table = self._judge.verdicts(self._stage.name)
        keys = [instruction.key for instruction in self._stage.instructions]
        place = {key: number for number, key in enumerate(keys)}
        rows = np.argsort([place[table.instructions[code]] for code in table.instruction], kind="stable")
        table, scores = table.select(rows), self._scores()
        results, control = [], list[Seen]()
        for name, entrant in self._entered.entrants.items():
            seen = _seen(table, name, self._entered.baseline)
            if self._judge.judge.settings.get(SETTING) in VOIDING:
                seen = _with_void(seen, keys[: sizes.get(entrant.name, 0)])
            many = {"entrants": len(self._entered.entrants), "population": self._population}
            measured = measure(entrant.name, entrant.about, seen, self._gate, **many)
            added = self._uplift(seen, control, sizes.get(entrant.name, 0)) if entrant.role == "persuader" else None
            control = seen if entrant.role == "control" else control
            results.append(replace(measured, score=scores.get(name), role=entrant.role, uplift=added))
        return results

    def _uplift(self, seen: Sequence[Seen], control: Sequence[Seen], size: int) -> Uplift | None:
        return uplift(seen, control, self._gate, entrants=len(self._entered.entrants), size=size, most=self._most)

    def _scores(self) -> dict[str, Estimate]:
        """A pointwise judge's mean scores, by the name under which an entrant is stored."""
        if self._judge.template.kind == "pairwise":
            return {}
        table = self._judge.scores(self._stage.name)
        by_model = [
            mean_by_instruction(table.instruction[table.model == code], table.score[table.model == code])
            for code in range(len(table.models))
        ]
        return {name: mean_estimate(means) for name, means in zip(table.models, by_model, strict=True)}


def _seen(table: VerdictTable, name: str, baseline: str) -> list[Seen]:
    """Verdicts on an entrant against the baseline, in the table's order."""
    if not {name, baseline} <= set(table.models):
        return []
    code, other = table.model_code(name), table.model_code(baseline)
    as_a = (table.model_a == code) & (table.model_b == other)
    rows = np.flatnonzero(as_a | ((table.model_b == code) & (table.model_a == other)))
    return [
        Seen(
            instruction=table.instructions[table.instruction[row]],
            first=None if table.order[row] < 0 else bool(as_a[row] == (table.order[row] == 0)),
            preference=float(table.preference[row] if as_a[row] else 1.0 - table.preference[row]),
        )
        for row in rows
    ]


def _with_void(seen: Sequence[Seen], keys: Sequence[str]) -> list[Seen]:
    """What was seen, with a loss for each trial that the defence declared void: there is no win in it."""
    counts = Counter(verdict.instruction for verdict in seen)
    by_key = {key: [verdict for verdict in seen if verdict.instruction == key] for key in keys}
    void = {key: [Seen(key, None, 0.0)] * max(0, _ORDERS - counts[key]) for key in keys}
    return [verdict for key in keys for verdict in (*by_key[key], *void[key])]


def _searched(
    database: Database, settings: NullModelAudit, entered: NullStage, judge: StageJudge
) -> tuple[NullStage, dict[str, Any]]:
    """The stage with the entrant that a search led to, without the instructions that it was searched on; and what the
    search took, in plain values.

    Raises InputError where the judge gives no log-probabilities or there are too few instructions, and JudgeError.
    """
    judge.check_pairwise("a random search needs a pairwise one")
    instructions = entered.stage.instructions
    held_out = min(entrants.HELD_OUT, len(instructions) // 3)
    if held_out < 1:
        raise InputError("a random search needs at least three instructions that the baseline has answered")
    searching = _Searching(database, settings, entered, judge, instructions[-held_out:])
    search = engine.runner.run_async(searching.run())
    text = entrants.written(search.prefix, judge.template)
    about = f"a prefix found by {count(search.step, 'step')} of random search, before a structured response"
    entrant = Entrant(SEARCH, about, lambda _: text)
    name = f"{PREFIX}{SEARCH}-{stage_key(text)}@{entered.stage.key}"
    left = instructions[:-held_out]
    stage = set_stage(database, settings.benchmark, entered.stage.key, left, {name: _written(entrant, left)})
    took = {"random_search": {**asdict(search), "held_out": held_out}}
    return replace(entered, stage=stage, entrants={**entered.entrants, name: entrant}), took


class _Searching:
    """A search for a prefix under way."""

    def __init__(
        self,
        database: Database,
        settings: NullModelAudit,
        entered: NullStage,
        judge: StageJudge,
        instructions: Sequence[Instruction],
    ) -> None:
        self._database = database
        self._settings = settings
        self._entered = entered
        self._judge, self._template = judge.judge, judge.template
        self._opened = judge.open()
        self._instructions = instructions
        self._places = asyncio.Semaphore(settings.concurrency)
        images = TrialImages(database, judge.template, judge.judge.settings)
        self._asker = Asker(judge.template, judge.judge.sent, self._opened.client, secrets.randbits(128), images)
        self._questions = 0
        with database.read() as connection:
            stage_id = store.benchmarks.benchmark_id(connection, entered.stage.name)
            outputs = store.models.outputs_to(connection, stage_id, [instruction.key for instruction in instructions])
            benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        self._subject = Subject(SEARCH, benchmark_id, judge.judge.digest)
        self._baseline = outputs[entered.baseline]
        self._vocabulary = entrants.vocabulary(
            [
                *(instruction.text for instruction in instructions),
                *(_words(output) for output in self._baseline.values()),
            ]
        )

    async def run(self) -> PrefixSearch:
        """Search up to the planned step, from where it stopped."""
        steps = self._settings.random_search
        try:
            await self._opened.check()
            search = self._stored() or await self._first()
            loss = await self._loss(search.prefix, search.step) if search.step < steps else search.loss
            while search.step < steps:
                step = search.step + 1
                if entrants.batch_size(step) != entrants.batch_size(search.step):
                    loss = await self._loss(search.prefix, step)
                changed = entrants.changed(search.prefix, self._vocabulary, seed=self._settings.seed, step=step)
                new_loss = await self._loss(changed, step)
                prefix, loss = (changed, new_loss) if new_loss <= loss else (search.prefix, loss)
                search = PrefixSearch(step, prefix, loss, search.first_loss, search.questions + self._counted())
                if step % _KEPT_EVERY == 0 or step == steps:
                    self._keep(search)
            return search
        finally:
            await self._opened.close()

    async def _first(self) -> PrefixSearch:
        loss = await self._loss(entrants.begin(), 0, checked=True)
        return PrefixSearch(0, entrants.begin(), loss, loss, self._counted())

    def _counted(self) -> int:
        """Questions since it was last called."""
        questions, self._questions = self._questions, 0
        return questions

    async def _loss(self, prefix: Sequence[str], step: int, *, checked: bool = False) -> float:
        text = entrants.written(prefix, self._template)
        batch = self._instructions[: entrants.batch_size(step)]
        verdicts = await asyncio.gather(
            *(self._ask(instruction, text, order) for instruction in batch for order in Order)
        )
        if checked and not any(verdict.source in (Source.LOGPROBS, Source.LIKELIHOOD) for verdict in verdicts):
            raise InputError(
                f"judge {self._judge.name!r} gives no log-probabilities, which a random search follows: leave "
                "--random-search out, or take a template and a server that give them"
            )
        return entrants.loss([verdict.preference for verdict in verdicts])

    async def _ask(self, instruction: Instruction, text: str, order: Order) -> Verdict:
        """The verdict with its preference for the null model, which is side A by its name."""
        null = Output(instruction.key, "", text)
        battle = Battle.of(instruction, null, self._baseline[instruction.key])
        trial = Trial(self._judge.digest, battle, order, shown=self._template.shown(instruction, battle.a, battle.b))
        async with self._places:
            self._questions += 1
            return (await self._asker.ask(trial)).verdict

    @property
    def _key(self) -> list[Any]:
        return [self._entered.stage.key, self._settings.seed]

    def _stored(self) -> PrefixSearch | None:
        """The search as it was last kept, if it was this one; it may have gone further than is planned now."""
        about = self._subject
        with self._database.read() as connection:
            kept = newest_audits(connection, about.benchmark_id, kind=SEARCH, judges=[self._judge.digest])
        for stored in kept:
            if stored.document["key"] == self._key:
                state = stored.document["state"]
                return PrefixSearch(**{**state, "prefix": tuple(state["prefix"])})
        return None

    def _keep(self, search: PrefixSearch) -> None:
        document = {"findings": [], "key": self._key, "state": asdict(search)}
        with self._database.write() as connection:
            add_audit(connection, self._subject, passed=True, document=document)
