"""Scores as other benchmarks define them, for comparison with their boards; none of them is this project's estimate.

WildBench (Lin et al. 2024): WB-Reward from five-way verdicts against one or several references, WB-Score from 1-10
ratings. Arena-Hard (Li et al. 2024): labels spread into values, a strong verdict three times; hence no win rate.
"""

from collections.abc import Iterable, Mapping, Sequence

from judgebench.errors import InputError

__all__ = [
    "ARENA_HARD_VALUES", "REWARD", "TASK_WEIGHTS", "arena_hard_label", "arena_hard_score", "arena_hard_values",
    "mixed_reward", "wb_outcome", "wb_reward", "wb_score", "wb_task_score", "with_length_margin",
]  # fmt: skip
REWARD = {"win_much": 1.0, "win": 0.5, "tie": 0.0, "lose": -0.5, "lose_much": -1.0}
TASK_WEIGHTS = {  # WildBench's macro weights; divided by their sum
    "Creative Tasks": 0.5,
    "Planning & Reasoning": 1.25,
    "Math & Data Analysis": 1.0,
    "Information/Advice seeking": 0.75,
    "Coding & Debugging": 1.25,
}
ARENA_HARD_VALUES = {"A>>B": (1.0, 1.0, 1.0), "A>B": (1.0,), "A=B": (0.5,), "A<B": (0.0,), "A<<B": (0.0, 0.0, 0.0)}
_MIRRORED = {"B>>A": "A<<B", "B>A": "A<B", "B=A": "A=B", "B<A": "A>B", "B<<A": "A>>B"}


def wb_outcome(preference: float) -> str:
    """The name, in ``REWARD``, of a five-way preference for the model. Raises InputError for another one."""
    names = {(reward + 1) / 2: name for name, reward in REWARD.items()}
    if preference not in names:
        raise InputError(f"a five-way verdict prefers with {', '.join(map(str, sorted(names)))}, not {preference!r}")
    return names[preference]


def arena_hard_label(preference: float) -> str:
    """The label, in ``ARENA_HARD_VALUES``, of a five-way preference for A. Raises InputError for another one."""
    return dict(zip(REWARD, ARENA_HARD_VALUES, strict=True))[wb_outcome(preference)]


def wb_reward(counts: Mapping[str, int], *, total: int | None = None) -> float:
    """WB-Reward in [-100, 100] from counts of win_much, win, tie, lose, lose_much; a missing name counts 0.

    ``total`` is the number of items where it exceeds the sum of counts, as in WildBench's own tables.
    Raises InputError for an unknown name, a negative count or no items.
    """
    unknown = set(counts) - set(REWARD)
    if unknown or any(count < 0 for count in counts.values()):
        raise InputError(f"WB-Reward counts {', '.join(REWARD)}, none negative; not {dict(counts)!r}")
    items = sum(counts.values()) if total is None else total
    if items <= 0:
        raise InputError("WB-Reward is not defined without items")
    return 100 * sum(REWARD[name] * count for name, count in counts.items()) / items


def mixed_reward(rewards: Sequence[float]) -> float:
    """The mean over references, WildBench's "mix".

    Raises InputError without any.
    """
    if not rewards:
        raise InputError("a mixed WB-Reward needs at least one reference")
    return sum(rewards) / len(rewards)


def with_length_margin(outcome: str, length: int, reference_length: int, margin: int) -> str:
    """A slight win or loss of the longer output becomes a tie when it is more than ``margin`` characters longer.

    A negative margin changes nothing. Lengths are of the model's output and the reference's.
    Raises InputError for an unknown outcome.
    """
    if outcome not in REWARD:
        raise InputError(f"unknown outcome {outcome!r}; known are {', '.join(REWARD)}")
    excess = {"win": length - reference_length, "lose": reference_length - length}.get(outcome, 0)
    return "tie" if 0 <= margin < excess else outcome


def wb_score(ratings: Iterable[float]) -> float:
    """WB-Score in [-80, 100] from ratings between 1 and 10: twenty times their mean above 5.

    Raises InputError for a rating out of range, or none.
    """
    values = list(ratings)
    if not values:
        raise InputError("WB-Score is not defined without ratings")
    if not all(1 <= value <= 10 for value in values):
        raise InputError("WildBench ratings lie between 1 and 10")
    return 20 * (sum(values) / len(values) - 5)


def wb_task_score(scores: Mapping[str, float]) -> float:
    """The macro score over WildBench's five task groups.

    Raises InputError when a group is missing or unknown.
    """
    if set(scores) != set(TASK_WEIGHTS):
        raise InputError(f"the groups must be exactly {', '.join(TASK_WEIGHTS)}; these are {', '.join(scores)}")
    return sum(TASK_WEIGHTS[group] * score for group, score in scores.items()) / sum(TASK_WEIGHTS.values())


def arena_hard_values(first: str, second: str) -> list[float]:
    """One item's values for the model: game 2 (model shown as A), then game 1 reversed (baseline as A).

    Labels are read by value, mirrored spellings included ("B>A" is "A<B").
    Raises InputError for any other label.
    """
    return [*_spread(second), *(1 - value for value in _spread(first))]


def arena_hard_score(games: Iterable[tuple[str, str]]) -> float:
    """Arena-Hard v2's score in [0, 100] from each item's two labels; items lacking one are to be left out, counted.

    Raises InputError for an unknown label, or no items.
    """
    values = [value for first, second in games for value in arena_hard_values(first, second)]
    if not values:
        raise InputError("Arena-Hard's score is not defined without games")
    return 100 * sum(values) / len(values)


def _spread(label: str) -> tuple[float, ...]:
    known = _MIRRORED.get(label, label)
    if known not in ARENA_HARD_VALUES:
        spellings = ", ".join([*ARENA_HARD_VALUES, *_MIRRORED])
        raise InputError(f"unknown Arena-Hard label {label!r}; known are {spellings}")
    return ARENA_HARD_VALUES[known]
