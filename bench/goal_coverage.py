"""How often do intervals of goal success rates hold the truth, where goals are clustered in dialogues?  For
docs/statistics.md.

    taskset -c 0 python -m bench.goal_coverage [--draws 2000] [--seed 0]

A dialogue has 1 + Poisson(1.5) goals, each reached with a probability that is its own: Beta with mean GSR and
correlation rho of goals in one dialogue; where long dialogues fail more, its power by the number of goals over their
mean. A cell has the percent of draws whose 95 % interval holds the share of a very large sample. Two versions answer
the same dialogues, whose difficulty both share. The last columns are of Student's t of dialogues, without anything
imagined.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import beta

from judgebench.stats.goals import goal_difference, goal_share
from judgebench.stats.intervals import critical_value

MEAN_GOALS = 2.5
LARGE = 400_000
DIALOGUES = (10, 20, 40, 100)
Counts = tuple[np.ndarray, np.ndarray]  # goals reached and goals, a dialogue


@dataclass(frozen=True, slots=True)
class Setting:
    share: float
    rho: float  # correlation of goals in a dialogue
    fails: bool = False  # long dialogues fail more
    later: float | None = None  # share of the newer version; None: there is one version

    @property
    def name(self) -> str:
        versions = "" if self.later is None else f" to {self.later:g}"
        return f"{self.share:g}{versions}, rho {self.rho:g}{', long dialogues fail more' if self.fails else ''}"


SETTINGS = [
    *(Setting(0.5, 0.1), Setting(0.7, 0.3), Setting(0.66, 0.5, fails=True), Setting(0.9, 0.3), Setting(0.9, 0.6)),
    *(Setting(0.97, 0.2), Setting(0.97, 0.6)),
    *(Setting(0.7, 0.3, later=0.7), Setting(0.6, 0.3, later=0.8), Setting(0.9, 0.3, later=0.95)),
]


def drawn(setting: Setting, dialogues: int, rng: np.random.Generator) -> Iterator[Counts]:
    """Of one version, or of both."""
    goals = 1 + rng.poisson(MEAN_GOALS - 1, dialogues)
    hardness = rng.random(dialogues)
    size = 1 / setting.rho - 1
    for share in (setting.share, setting.later):
        if share is not None:
            chance = beta.ppf(hardness, share * size, (1 - share) * size)
            chance = chance ** (goals / MEAN_GOALS) if setting.fails else chance
            yield rng.binomial(goals, np.nan_to_num(chance, nan=1.0)).astype(float), goals.astype(float)


def held(setting: Setting, dialogues: int, draws: int, rng: np.random.Generator) -> float:
    """Share of draws whose interval holds the truth."""
    truth = _value(list(drawn(setting, LARGE, rng)))
    hits = 0
    for _ in range(draws):
        sides = list(drawn(setting, dialogues, rng))
        clusters = np.arange(dialogues)
        known = goal_share(*sides[0], clusters) if len(sides) == 1 else goal_difference(sides[0], sides[1], clusters)
        lower, upper = known.ends
        hits += lower <= truth <= upper
    return hits / draws


def held_plainly(setting: Setting, dialogues: int, draws: int, rng: np.random.Generator) -> float:
    """The same by Student's t of dialogues, without anything imagined."""
    truth = _value(list(drawn(setting, LARGE, rng)))
    hits = 0
    for _ in range(draws):
        sides = list(drawn(setting, dialogues, rng))
        influence = [(part - part.sum() / whole.sum() * whole) / whole.sum() for part, whole in sides]
        apart = influence[0] if len(sides) == 1 else influence[1] - influence[0]
        half = critical_value(0.95, dialogues - 1) * sqrt(dialogues / (dialogues - 1) * float((apart**2).sum()))
        hits += abs(_value(sides) - truth) <= half
    return hits / draws


def _value(sides: list[Counts]) -> float:
    shares = [float(part.sum() / whole.sum()) for part, whole in sides]
    return shares[-1] - shares[0] if len(shares) > 1 else shares[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print("| GSR | " + " | ".join(map(str, DIALOGUES)) + " | " + " | ".join(f"{n}, plain t" for n in DIALOGUES) + " |")
    print("|---" * (1 + 2 * len(DIALOGUES)) + "|")
    for setting in SETTINGS:
        rng = np.random.default_rng(given.seed)
        cells = [
            f"{100 * share(setting, n, given.draws, rng):.1f}" for share in (held, held_plainly) for n in DIALOGUES
        ]
        print(f"| {setting.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
