"""How preferences or scores spread, in words and shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.show.text import count, one_line

if TYPE_CHECKING:
    from judgebench.services.distributions import Distributions


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin of one model."""

    label: str
    share: float  # of the model's values, in [0, 1]
    words: str


@dataclass(frozen=True, slots=True)
class Histogram:
    model: str
    bars: tuple[Bar, ...]  # from the lowest value on
    number: int  # of values


@dataclass(frozen=True, slots=True)
class Histograms:
    labels: tuple[str, ...]
    rows: tuple[Histogram, ...]
    highest: float  # share of a bar, in [0, 1]
    notes: tuple[str, ...]  # what is counted


def labels(of: "Distributions") -> tuple[str, ...]:
    """Of the bins: middles in percent, a score, or a range of scores."""
    if of.board.scale != "score":
        return tuple(f"{100 * round((bin.low + bin.high) / 2, 1):.0f}" for bin in of.bins)  # ends are half as wide
    return tuple(f"{bin.low:.4g}" if bin.low == bin.high else f"{bin.low:.3g} to {bin.high:.3g}" for bin in of.bins)


def histograms(of: "Distributions", models: Sequence[str] = ()) -> Histograms:
    """Of these ``models``, of all where none is named."""
    names = labels(of)
    what = "output" if of.board.scale == "score" else "battle"
    rows = []
    for model, counts in of.counts.items():
        if models and model not in models:
            continue
        number = sum(counts)
        bars = tuple(
            Bar(label, times / number if number else 0.0, f"{label}: {times:,} of {count(number, what)}")
            for label, times in zip(names, counts, strict=True)
        )
        rows.append(Histogram(model, bars, number))
    highest = max((bar.share for row in rows for bar in row.bars), default=0.0)
    return Histograms(names, tuple(rows), highest, tuple(_notes(of)))


def _notes(of: "Distributions") -> list[str]:
    if of.board.scale == "score":
        return ["How often each score was given, by verdict. Counts, so without intervals."]
    against = "whomever a model met" if of.board.baseline is None else one_line(of.board.baseline)
    itself = "" if of.board.baseline is None else f" Of {against} itself: over all others."
    return [
        f"In how many battles with {against} the model was preferred by so many percent, the mean over a battle's "
        f"verdicts; 50 is a tie. Counts, so without intervals.{itself}"
    ]
