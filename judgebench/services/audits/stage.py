"""The null-model audit's own benchmark: entrants are stored like models, beside the baseline's outputs.

It is called ``audit:BENCHMARK/KEY``, so null models never stand on an ordinary leaderboard; its outputs and verdicts
can be looked at with the usual commands. The key hangs on template, seed, baseline outputs and panel: the same command
continues an audit, and another template is another audit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench import store
from judgebench.audits.null_models import PREFIX, Entrant, panel
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.leaderboard.build import common_baseline
from judgebench.records import Instruction, Model, Output, content_key
from judgebench.stats.scores import score_preferences
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.win_rate import win_rates
from judgebench.store.arrays import score_table
from judgebench.store.database import Connection, Database

PAGE = 200
_KEY_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Stage:
    """The audit's own benchmark, stored."""

    name: str
    baseline: str
    chosen: str  # why this baseline, in words; "" where it was named
    entrants: Mapping[str, Entrant]  # by the name under which each is stored
    drawn: tuple[Instruction, ...]  # in the order in which they are judged

    @property
    def key(self) -> str:
        return self.name.rpartition("/")[2]


def set_stage(database: Database, benchmark: str, baseline: str | None, template: Template, *, seed: int) -> Stage:
    """Store the benchmark that null models against ``template`` are judged in, and say what is in it.

    Raises InputError where no model can be the baseline, and UnknownName.
    """
    chosen = ""
    if baseline is None:
        baseline, chosen = choose_baseline(database, benchmark)
    answered = _answered(database, benchmark, baseline)
    good = {instruction.key: text for instruction, text in answered}
    order = np.random.default_rng(seed).permutation(len(answered))
    drawn = [answered[place] for place in order]
    entered = panel(template, good, seed=seed)
    texts = [each.write(drawn[0][0]) for each in entered]
    key = content_key(template.digest, seed, baseline, sorted(good.items()), texts)[:_KEY_DIGITS]
    entrants = {f"{PREFIX}{each.name}@{key}": each for each in entered}
    stage = Stage(f"{store.benchmarks.STAGE}{benchmark}/{key}", baseline, chosen, entrants, tuple(i for i, _ in drawn))
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, stage.name)
        store.benchmarks.add_instructions(connection, benchmark_id, stage.drawn)
        outputs = [Output(instruction.key, baseline, text) for instruction, text in drawn]
        store.models.add_outputs(connection, benchmark_id, outputs)
    for name, entrant in entrants.items():
        enter(database, stage, name, entrant)
    return stage


def enter(database: Database, stage: Stage, name: str, entrant: Entrant) -> None:
    """Store an entrant's outputs to the stage's instructions."""
    with database.write() as connection:
        store.models.add_model(connection, Model(name))
        benchmark_id = store.benchmarks.add_benchmark(connection, stage.name)
        outputs = [Output(each.key, name, entrant.write(each)) for each in stage.drawn]
        store.models.add_outputs(connection, benchmark_id, outputs)


def preferences(connection: Connection, benchmark_id: int, judge: str, kind: str) -> VerdictTable:
    """A judge's preferences in a benchmark; a pointwise judge prefers the output that it gives the higher score."""
    if kind == "pairwise":
        return store.arrays.verdict_table(connection, benchmark_id, judges=[judge]).table
    return score_preferences(score_table(connection, benchmark_id, judges=[judge]).table)


def real_rates(database: Database, benchmark: str, judge: str, kind: str, baseline: str) -> dict[str, float]:
    """Win rates of real models against the baseline by this judge, in the ordinary benchmark."""
    with database.read() as connection:
        table = preferences(connection, store.benchmarks.benchmark_id(connection, benchmark), judge, kind)
    if not len(table) or baseline not in table.models:
        return {}
    rates = win_rates(table, baseline=baseline)
    return {
        name: float(rate)
        for name, rate, battles in zip(rates.models, rates.rate, rates.battles, strict=True)
        if battles and name != baseline
    }


def choose_baseline(database: Database, benchmark: str) -> tuple[str, str]:
    """The model that every battle has; else the one that wins most; else the one that has answered most."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        table = store.arrays.verdict_table(connection, benchmark_id).table
        names = [model.name for model in store.models.models(connection, benchmark_id)]
        if not names:
            raise InputError(f"benchmark {benchmark!r} has no outputs that null models could meet: submit some first")
        common = common_baseline(table)
        if common is not None:
            return common, "the model of every battle"
        if len(table):
            rates = win_rates(table, baseline=None)
            best = int(np.nanargmax(np.where(rates.battles > 0, rates.rate, np.nan)))
            return rates.models[best], "the model that wins most; --baseline names another"
        counts = dict.fromkeys(names, 0)
        for present in store.benchmarks.presence(connection, benchmark_id, names):
            for name in present:
                counts[name] += 1
    most = max(sorted(names), key=lambda name: counts[name])
    return most, "the first of those with most outputs, as there are no verdicts yet; --baseline names another"


def _answered(database: Database, benchmark: str, baseline: str) -> Sequence[tuple[Instruction, str]]:
    """The instructions that the baseline answered, with its outputs, by key."""
    found, after = [], 0
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        store.models.check_model(connection, baseline)
        while page := store.benchmarks.questions(connection, benchmark_id, [baseline], after=after, limit=PAGE):
            found += [(each.instruction, output.text) for each in page for output in each.outputs.values()]
            after = page[-1].id
    return sorted(found, key=lambda pair: pair[0].key)
