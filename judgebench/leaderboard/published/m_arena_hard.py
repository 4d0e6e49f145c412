"""m-ArenaHard: win rates against one model, language by language, and their mean over languages.

A language is the instruction's category, or guessed where instructions have none; a tie is half a win. Intervals take
instructions as drawn, languages as given. Source: Dang et al. 2024, Aya Expanse, section 3.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard.published.board import (
    LEVEL,
    Measure,
    Numbers,
    PublishedBoard,
    ScorerInput,
    ScoringChoices,
    baseline_of,
    percent_of,
)
from judgebench.stats.intervals import bounded_mean, influence_estimate
from judgebench.stats.verdict_table import Floats, VerdictTable, average_battles


def score(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Raises StatisticsError where no outputs are compared, or with no one model."""
    if evidence.verdicts is None:
        raise StatisticsError("m-ArenaHard compares outputs, and no verdict does: run a pairwise judge")
    baseline = baseline_of(evidence.verdicts, choices.baseline, evidence.profile.baselines_of(None))
    table = evidence.verdicts.against(baseline)
    categories = [evidence.category(key) for key in table.instructions]
    guessed = not any(categories)
    names = [
        evidence.languages.get(key, "other") if guessed else category or "other"
        for key, category in zip(table.instructions, categories, strict=True)
    ]
    numbers = Numbers()
    by_model = _by_model(table, baseline, np.array(names, dtype=object))
    languages = sorted({language for parts in by_model.values() for language in parts})
    about = "The mean over languages of the win rates."
    numbers.add(Measure("average", "average", "percent", about), {model: _mean(p) for model, p in by_model.items()})
    for language in languages:
        column = Measure(f"language.{language}", language, "percent", f"The win rate in {language}.")
        parts = {model: _rate(*parts[language]) for model, parts in by_model.items() if language in parts}
        numbers.add(column, parts)
    how = "are guessed from the instructions' words" if guessed else "are what the instructions' categories say"
    notes = [f"languages {how}"]
    short = [model for model, parts in by_model.items() if len(parts) < len(languages)]
    if short:
        notes.append(f"not judged in every language, so with a mean over others: {', '.join(short)}")
    return numbers.board({"": (baseline,)}, notes)


_Parts = Mapping[str, tuple[Floats, NDArray[np.int32]]]  # by language: preferences for the model, instructions


def _by_model(table: VerdictTable, baseline: str, language: NDArray[np.object_]) -> dict[str, _Parts]:
    battles = average_battles(table)
    code = table.model_code(baseline)
    other = np.where(battles.first == code, battles.second, battles.first)
    won = np.where(battles.first == code, 1 - battles.preference, battles.preference)
    spoken = language[battles.instruction]
    parts: dict[str, _Parts] = {}
    for model in np.unique(other).tolist():
        mine = other == model
        parts[table.models[model]] = {
            str(name): (won[mine & (spoken == name)], battles.instruction[mine & (spoken == name)])
            for name in sorted(set(spoken[mine].tolist()))
        }
    return parts


def _rate(won: Floats, instructions: NDArray[np.int32]) -> Estimate:
    return bounded_mean(won, instructions, level=LEVEL).mapped(percent_of)


def _mean(parts: _Parts) -> Estimate:
    if len(parts) == 1:
        return next(_rate(*rows) for rows in parts.values())
    value = float(np.mean([won.mean() for won, _ in parts.values()]))
    influence = np.concatenate([(won - won.mean()) / len(won) / len(parts) for won, _ in parts.values()])
    clusters = np.concatenate([instructions for _, instructions in parts.values()])
    known = influence_estimate(value, influence, clusters, level=LEVEL, bounds=(0.0, 1.0))
    return known.mapped(percent_of)
