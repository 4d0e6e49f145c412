"""How often do intervals of a judge of steps hold the truth, where each instruction has several outputs?  For
docs/steps.md.

    taskset -c 0 python -m bench.step_coverage [--draws 500] [--seed 0]

An instruction has 2 or 5 outputs of 4 to 8 steps. Half of the outputs have an error, first at a step drawn evenly;
behind it every step is bad with a chance of one in two. Labels say all of it, as PRMBench's do, or end at the first
error, as ProcessBench's do. The judge is right about a step with a probability that is the instruction's own: Beta with
the mean of the setting and correlation rho of steps in one instruction. A cell has the percent of draws whose 95 %
interval holds the number of a very large sample, of the draws that have an interval.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from judgebench.estimate import Estimate
from judgebench.stats.steps import LabelledReading, step_agreement

OUTPUTS = (10, 20, 40, 100)
LARGE = 40_000  # outputs
MEASURES = ("first_error", "no_error", "process_score", "accuracy", "f1", "negative_f1", "prm_score")


@dataclass(frozen=True, slots=True)
class Setting:
    right: float  # of steps, by the judge
    rho: float
    each: int  # outputs to an instruction
    complete: bool  # labels

    @property
    def name(self) -> str:
        labels = "all steps labelled" if self.complete else "labels to the first error"
        return f"{self.right:g} right, rho {self.rho:g}, {self.each} outputs each, {labels}"


SETTINGS = [
    *(Setting(0.8, 0.2, 2, complete=True), Setting(0.8, 0.5, 5, complete=True)),
    Setting(0.9, 0.3, 2, complete=False),
]


def drawn(setting: Setting, outputs: int, rng: np.random.Generator) -> Iterator[LabelledReading]:
    size = 1 / setting.rho - 1
    for output in range(outputs):
        if output % setting.each == 0:
            right = rng.beta(setting.right * size, (1 - setting.right) * size)
        steps = int(rng.integers(4, 9))
        first = int(rng.integers(steps)) if rng.random() < 0.5 else steps
        bad = np.arange(steps) == first
        bad[first + 1 :] = rng.random(max(steps - first - 1, 0)) < 0.5
        called = bad ^ (rng.random(steps) >= right)
        known = steps if setting.complete else first + 1
        labels = tuple(_said(is_bad) if at < known else None for at, is_bad in enumerate(bad))
        yield LabelledReading(output // setting.each, output, labels, tuple(map(_said, called)))


def _said(is_bad: object) -> str:
    return "bad" if is_bad else "good"


def held(setting: Setting, outputs: int, draws: int, rng: np.random.Generator) -> dict[str, float]:
    """Share of draws whose interval holds the truth, by measure."""
    whole = step_agreement(list(drawn(setting, LARGE, rng)), most=2)
    truth = {name: _of(whole, name).value for name in MEASURES}
    hits, told = dict.fromkeys(MEASURES, 0), dict.fromkeys(MEASURES, 0)
    for _ in range(draws):
        agreement = step_agreement(list(drawn(setting, outputs, rng)))
        for name in MEASURES:
            known = _of(agreement, name)
            if known.lower is not None and known.upper is not None:
                told[name] += 1
                hits[name] += known.lower <= (truth[name] or 0.0) <= known.upper
    return {name: hits[name] / max(told[name], 1) for name in MEASURES}


def _of(agreement: object, name: str) -> Estimate:
    known: Estimate = getattr(agreement, name)
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"| judge | outputs | {' | '.join(name.replace('_', ' ') for name in MEASURES)} |")
    print("|---" * (2 + len(MEASURES)) + "|")
    for setting in SETTINGS:
        for outputs in OUTPUTS:
            shares = held(setting, outputs, given.draws, np.random.default_rng(given.seed))
            cells = (f"{100 * shares[name]:.1f}" for name in MEASURES)
            print(f"| {setting.name} | {outputs} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
