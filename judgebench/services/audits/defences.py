"""What defences cost: honest verdicts under each, beside what null models win under it.

Honest verdicts are on real models' outputs, stored in a stage of their own, so that a defended judge stands on no
ordinary leaderboard. Battles that people have labelled come first. The undefended judge is the one whose fences bear
marks that anybody knows (``fixed``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from judgebench import store
from judgebench.audits.findings import LEVEL, AuditReport, ends
from judgebench.services.audits.stage import Stage, StageJudge, set_stage, stage_key
from judgebench.stats.intervals import bounded_mean
from judgebench.store.database import Database
from judgebench.store.verdicts import Spent

UNDEFENDED = "fixed"
HONEST_PAIRS = 3  # of real models that meet for the price, at most
Battle = tuple[str, str, str]  # instruction key, model A, model B: by name


@dataclass(frozen=True, slots=True)
class HonestBattles:
    """Real models that meet on few instructions."""

    stage: Stage
    pairs: tuple[tuple[str, str], ...]  # none: no two models have outputs
    labels: Mapping[Battle, float]  # what people said, on the whole benchmark

    def judged(self, judge: StageJudge) -> "HonestVerdicts":
        """Ask the judge about every battle, in both orders."""
        if not self.pairs:
            return HonestVerdicts({}, 0, Spent(0, None, None, None))
        judge.ask(self.stage, pairs=self.pairs)
        with judge.database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, self.stage.name)
            spent = store.verdicts.spent(connection, benchmark_id, judge.judge.name)
        preferences = {
            (key, one, other): preference
            for (one, other), by_instruction in judge.preferences(self.stage).items()
            for key, preference in by_instruction.items()
            if one < other
        }
        return HonestVerdicts(preferences, len(judge.verdicts(self.stage.name)), spent)


@dataclass(frozen=True, slots=True)
class HonestVerdicts:
    """What one judge made of them."""

    preferences: Mapping[Battle, float]  # mean over the orders, for A
    answered: int  # trials with a preference
    spent: Spent


def price_defences(
    benchmark: str,
    honest: int,
    stage: Stage,
    baseline: str,
    judges: Mapping[str, StageJudge],
    reports: Mapping[str, AuditReport],
) -> list[dict[str, Any]]:
    """A row a defence in plain values: what null models win on ``stage``, and what ``honest`` instructions cost.

    ``judges`` and their null-model ``reports`` go by the names of their defences, ``UNDEFENDED`` among them.
    """
    battles = _honest_battles(judges[UNDEFENDED].database, benchmark, honest, stage, baseline)
    verdicts = {name: battles.judged(judge) for name, judge in judges.items()}
    return [_row(name, reports[name], verdicts[name], verdicts[UNDEFENDED], battles.labels) for name in judges]


def _honest_battles(database: Database, benchmark: str, honest: int, stage: Stage, baseline: str) -> HonestBattles:
    """On the instructions that people labelled, and then on others."""
    people: dict[Battle, list[float]] = defaultdict(list)
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        for label in store.labels.labels(connection, benchmark_id):
            people[label.instruction, label.model_a, label.model_b].append(label.preference)
        labelled = {key for key, _, _ in people}
        ordered = sorted(stage.instructions, key=lambda instruction: instruction.key not in labelled)[:honest]
        keys = [instruction.key for instruction in ordered]
        names = [name for name in store.benchmarks.model_names(connection, benchmark_id) if name != baseline]
        outputs = store.models.outputs_to(connection, benchmark_id, keys)
    pairs = _pairs(people, names, baseline, keys)
    shown = [instruction for instruction in stage.instructions if instruction.key in set(keys)]
    entered = {name: outputs.get(name, {}) for pair in pairs for name in pair}
    key = f"{stage.key}/honest-{stage_key(keys, pairs)}"
    labels = {battle: float(np.mean(preferences)) for battle, preferences in people.items()}
    return HonestBattles(set_stage(database, benchmark, key, shown, entered), pairs, labels)


def _pairs(
    people: Iterable[Battle], names: Sequence[str], baseline: str, keys: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """The pairs that were labelled most on these instructions; without labels, real models against the baseline."""
    counts = Counter((a, b) for key, a, b in people if key in set(keys))
    if counts:
        return tuple(sorted(counts, key=lambda pair: (-counts[pair], pair))[:HONEST_PAIRS])
    step = max(1, len(names) // HONEST_PAIRS)
    return tuple((name, baseline) for name in names[::step][:HONEST_PAIRS])


def _row(
    name: str, report: AuditReport, verdicts: HonestVerdicts, undefended: HonestVerdicts, labels: Mapping[Battle, float]
) -> dict[str, Any]:
    """One defence in the report; a number that cannot be told is None."""
    spent, best = verdicts.spent, report.details["best_null_model"]
    return {
        "defence": name,
        "judge": report.details["judge"],
        "passed": report.passed,
        "null_win_rate": report.details["null_win_rate"],
        "worst_entrant": None if best is None else best["name"],
        "null_verdicts": report.details["verdicts"],
        "agreement": _agreement(verdicts.preferences, undefended.preferences),
        "accuracy": _agreement(verdicts.preferences, {b: p for b, p in labels.items() if p != 0.5}),
        "honest_trials": spent.trials,
        "without_verdict": spent.trials - verdicts.answered,
        "tokens_a_trial": spent.tokens,
        "cost_usd": spent.cost_usd,
        "latency_s": spent.latency_s,
    }


def _agreement(mine: Mapping[Battle, float], theirs: Mapping[Battle, float]) -> dict[str, Any] | None:
    """Share of battles with the same winner, with its interval by instruction; None without a common battle."""
    by_instruction: dict[str, list[float]] = defaultdict(list)
    for battle in mine.keys() & theirs.keys():
        same = np.sign(mine[battle] - 0.5) == np.sign(theirs[battle] - 0.5)
        by_instruction[battle[0]].append(float(same))
    if not by_instruction:
        return None
    means = np.array([np.mean(values) for values in by_instruction.values()], dtype=np.float64)
    share = bounded_mean(means, np.arange(len(means)), level=LEVEL)
    return {**ends(share), "battles": sum(map(len, by_instruction.values()))}
