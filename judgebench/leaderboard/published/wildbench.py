"""WildBench: WB-Score of scores from 1 to 10, and WB-Reward of five-way verdicts against three baselines.

WB-Score is published as a mean, and adjusted: twice what it lies above 5, times ten, from -80 to 100. WB-Reward counts
1, 1/2, 0, -1/2, -1 from much better to much worse, in percent; a slight win of an output that is more than K characters
longer, and a slight loss against such a one, are ties. The benchmark counts a task in all of its tags' groups and
divides by all tasks; here a task has one category, and what has no verdict is left out and counted. No intervals are
published; these take instructions as drawn. Source: allenai/WildBench, ``eval.py`` and ``leaderboard``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from judgebench.counts import count
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard.published.board import (
    LEVEL,
    Measure,
    Numbers,
    PublishedBoard,
    ScorerInput,
    ScoringChoices,
    baseline_notes,
    baseline_of,
    met_models,
    percent_of,
    score_means,
)
from judgebench.stats.intervals import bounded_mean, influence_estimate
from judgebench.stats.published_scores import REWARD, TASK_WEIGHTS
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Floats, VerdictTable

_SCALE = (1.0, 10.0)
_SLIGHT = 0.5
GROUPS = {  # of tags
    "Information seeking": "Information/Advice seeking",
    "Advice seeking": "Information/Advice seeking",
    "Creative Writing": "Creative Tasks",
    "Editing": "Creative Tasks",
    "Brainstorming": "Creative Tasks",
    "Role playing": "Creative Tasks",
    "Coding & Debugging": "Coding & Debugging",
    "Reasoning": "Planning & Reasoning",
    "Planning": "Planning & Reasoning",
    "Math": "Math & Data Analysis",
    "Data Analysis": "Math & Data Analysis",
} | {group: group for group in TASK_WEIGHTS}


def score(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Scores where there are any, rewards where there are any.

    Raises StatisticsError where there are neither, scores are beyond 1 to 10, or verdicts are of no five labels.
    """
    numbers, notes = Numbers(), ["WildBench publishes no intervals; these take instructions as drawn"]
    baselines: dict[str, tuple[str, ...]] = {}
    if evidence.scores is not None:
        _add_scores(numbers, evidence, evidence.scores)
        notes += _task_notes(evidence, evidence.scores)
    if evidence.verdicts is not None:
        names = _baselines(evidence, evidence.verdicts, choices)
        baselines[""] = names
        _add_rewards(numbers, evidence.verdicts, names, choices.length_margin)
        notes += _reward_notes(evidence, names, choices.length_margin)
    notes += baseline_notes(baselines, evidence.profile)
    if evidence.without:
        unread = count(evidence.without, "verdict")
        notes.append(f"left out, and counted in by the benchmark: {unread} that could not be read")
    return numbers.board(baselines, notes)


def wb_points(mean: float) -> float:
    """WB-Score as it is shown, of a mean from 1 to 10: -80 to 100."""
    return 20 * (mean - 5)


def _add_scores(numbers: Numbers, evidence: ScorerInput, table: ScoreTable) -> None:
    if (table.score < _SCALE[0]).any() or (table.score > _SCALE[1]).any():
        raise StatisticsError("WB-Score is of scores from 1 to 10: choose a judge asked with pointwise/wildbench-score")
    means = score_means(table, table.instruction, _SCALE)
    points = {model: mean.mapped(wb_points) for model, mean in means.items()}
    numbers.add(Measure("wb_score", "WB-Score", "points", "Ten times twice what the mean lies above 5."), points)
    numbers.add(Measure("mean_score", "mean score", "score", "The mean of the scores."), means)
    groups = np.array([GROUPS.get(evidence.category(key) or "", "") for key in table.instructions], dtype=object)
    parts = {group: table.select(groups[table.instruction] == group) for group in TASK_WEIGHTS}
    by_group = {group: score_means(part, part.instruction, _SCALE) for group, part in parts.items() if len(part)}
    if set(by_group) == set(TASK_WEIGHTS):
        about = "WB-Score by tasks' weights, of the five groups."
        numbers.add(Measure("task_macro", "by task weights", "points", about), _macro(parts))
    for group, of_models in by_group.items():
        column = Measure(f"task.{group}", group, "points", f"WB-Score of {group}.", is_main=False)
        numbers.add(column, {model: mean.mapped(wb_points) for model, mean in of_models.items()})


def _task_notes(evidence: ScorerInput, table: ScoreTable) -> list[str]:
    """That instructions are of no task group, as those are that came with judgments alone."""
    without = sum((evidence.category(key) or "") not in GROUPS for key in table.instructions)
    if not without:
        return []
    return [
        f"{without:,} of {count(len(table.instructions), 'instruction')} have none of WildBench's tags as their "
        "category and count in no task group; to have groups, import WildBench's tasks into a benchmark first, then "
        "the judgments"
    ]


def _macro(parts: Mapping[str, ScoreTable]) -> Mapping[str, Estimate]:
    """Of the models with a score in every group: groups' WB-Scores, weighed."""
    total = sum(TASK_WEIGHTS.values())
    common = set.intersection(*({part.models[code] for code in np.unique(part.model)} for part in parts.values()))
    macro = {}
    for model in sorted(common):
        scores, shares, rows = [], [], []
        for group, part in parts.items():
            mine = part.model == part.models.index(model)
            scores.append(part.score[mine])
            shares.append(np.full(int(mine.sum()), TASK_WEIGHTS[group] / total))
            rows.append(part.instruction[mine])
        macro[model] = _weighed(scores, shares, rows).mapped(wb_points)
    return macro


def _weighed(values: list[Floats], shares: list[Floats], clusters: list[NDArray[np.int32]]) -> Estimate:
    """The sum of parts' means, each times its share; the parts' rows are drawn with their clusters."""
    value = sum(float(part.mean() * share[0]) for part, share in zip(values, shares, strict=True))
    influence = [(part - part.mean()) * share / len(part) for part, share in zip(values, shares, strict=True)]
    return influence_estimate(value, np.concatenate(influence), np.concatenate(clusters), level=LEVEL)


def _baselines(evidence: ScorerInput, table: VerdictTable, choices: ScoringChoices) -> tuple[str, ...]:
    """The one named, else those of the benchmark's that took part, else the model that met all."""
    if choices.baseline is None:
        present = {table.models[code] for code in met_models(table)}
        known = tuple(name for name in evidence.profile.baselines_of(None) if name in present)
        if known:
            return known
    return (baseline_of(table, choices.baseline, evidence.profile.baselines_of(None)),)


def _reward_notes(evidence: ScorerInput, baselines: tuple[str, ...], margin: int) -> list[str]:
    usual = evidence.profile.baselines_of(None)
    notes = [f"WB-Reward has K = {count(margin, 'character')}" if margin >= 0 else "WB-Reward has no length margin K"]
    lacking = [name for name in usual if name not in baselines]
    if len(baselines) < len(usual) and set(baselines) <= set(usual):
        notes.append(
            f"the benchmark's WB-Reward is the mean over {count(len(usual), 'baseline')}; here none met "
            f"{', '.join(lacking)}"
        )
    return notes


def _add_rewards(numbers: Numbers, table: VerdictTable, baselines: tuple[str, ...], margin: int) -> None:
    rows = {name: _rewards(table, name, margin) for name in baselines}
    plain = {name: _rewards(table, name, -1) for name in baselines}
    models = [table.models[code] for code in met_models(table) if table.models[code] not in baselines]
    mean = Measure("wb_reward", "WB-Reward", "percent", "The mean over baselines.")
    numbers.add(mean, _mixed(rows, models))
    if margin >= 0:
        about = "The mean over baselines without a length margin."
        numbers.add(Measure("wb_reward_without_margin", "without K", "percent", about), _mixed(plain, models))
    for name, of_baseline in rows.items():
        column = Measure(f"against.{name}", f"against {name}", "percent", f"WB-Reward against {name}.", is_main=False)
        rewards = {model: _reward(*of_baseline[model]) for model in models if model in of_baseline}
        numbers.add(column, rewards)


_Rows = Mapping[str, tuple[Floats, NDArray[np.int32]]]  # by model: rewards in [-1, 1], instructions


def _rewards(table: VerdictTable, baseline: str, margin: int) -> _Rows:
    """Against one baseline. Raises StatisticsError for preferences that are of no five labels."""
    code = table.model_code(baseline)
    against = table.against(baseline)
    is_a = against.model_a != code
    reward = 2 * np.where(is_a, against.preference, 1 - against.preference) - 1
    if not np.isin(reward, list(REWARD.values())).all():
        raise StatisticsError(
            "WB-Reward counts verdicts of five labels, whose preferences are 0, 0.25, 0.5, 0.75 and 1: choose a judge "
            "asked with pairwise/wildbench-reward"
        )
    longer = np.where(is_a, 1, -1) * (against.length_a.astype(np.int64) - against.length_b)
    if margin >= 0:
        slight = np.abs(reward) == _SLIGHT
        reward = np.where(slight & (np.sign(reward) * longer > margin), 0.0, reward)
    other = np.where(is_a, against.model_a, against.model_b)
    return {
        table.models[model]: (reward[other == model], against.instruction[other == model])
        for model in np.unique(other).tolist()
    }


def _reward(values: Floats, instructions: NDArray[np.int32]) -> Estimate:
    return bounded_mean(values, instructions, level=LEVEL, bounds=(-1.0, 1.0)).mapped(percent_of)


def _mixed(rows: Mapping[str, _Rows], models: list[str]) -> Mapping[str, Estimate]:
    """The mean over the baselines, of models that met all of them."""
    if len(rows) == 1:
        return {model: _reward(*values) for of_baseline in rows.values() for model, values in of_baseline.items()}
    mixed = {}
    for model in models:
        if all(model in of_baseline for of_baseline in rows.values()):
            values, clusters = zip(*(of_baseline[model] for of_baseline in rows.values()), strict=True)
            shares = [np.full(len(part), 1 / len(rows)) for part in values]
            mixed[model] = _weighed(list(values), shares, list(clusters)).mapped(percent_of)
    return mixed
