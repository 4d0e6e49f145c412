"""What changed between two versions of a model: in sentences, and as cells and rows of tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from judgebench.show.numbers import Labelled, Unit, amount, estimate, interval, value
from judgebench.show.text import count, one_line

if TYPE_CHECKING:
    from judgebench.services.profiles import BattleOfTwo, Comparison
    from judgebench.services.versions import ModelChange, OutputChange

_BRIEF_CHARS = 70
_STEP, _STEPS = 0.25, 4  # by which sizes of differences, up to 1, are counted
COLUMNS = ("instruction", "text", "category", "old", "new", "difference", "flip", "confirmed")
_PART_HEADINGS = ("category", "difference", "interval", "better", "worse", "equal")
_OF_BATTLES: Mapping[str, str] = {"negative": "lost in both orders", "positive": "won in both orders", "": ""}
_LABELS = {
    "difference": "difference, {new} less {old}",
    "retest": "two readings of the same outputs differ",
    "again": "the judge's noise alone moves it",
    "rate": "negative flips",
    "floor": "negative flips by the judge's noise alone",
    "excess": "negative flips above that",
}


def unit_of(change: "ModelChange") -> Unit:
    """Of differences: points of a share, or of the score."""
    return "score" if change.graded else "points"


def sentences(comparison: "Comparison") -> list[str]:
    """The decision, what it rests on, and what this design can see."""
    change = comparison.change
    return [decided(comparison), _rests(comparison), *_smallest(change), *_flipped(change)]


def decided(comparison: "Comparison") -> str:
    """Whether the second model is worse than the first."""
    change = comparison.change
    old, new = one_line(comparison.first), one_line(comparison.second)
    by = f" by more than {_size(change.margin, change)}" if change.margin else ""
    if change.decision == "cannot tell":
        return f"cannot tell whether {new} is worse than {old}{by}"
    return f"{new} is {change.decision} than {old}{by}"


def labelled(comparison: "Comparison") -> Iterator[Labelled]:
    """The estimates, lines of a table."""
    change, known = comparison.change, comparison.change.whole
    names = {"old": one_line(comparison.first), "new": one_line(comparison.second)}
    unit, at_once = unit_of(change), change.evidence == "battles"
    yield Labelled(_LABELS["difference"].format(**names), known.difference, unit)
    yield Labelled(_LABELS["again"], known.again, unit)
    yield Labelled(_LABELS["retest"], known.retest)
    yield Labelled(_OF_BATTLES["negative"] if at_once else _LABELS["rate"], known.flips.rate)
    if at_once or change.graded:  # no reading says of one output whether it is right
        return
    yield Labelled(_LABELS["floor"], known.flips.floor)
    yield Labelled(_LABELS["excess"], known.flips.excess, "points")


def estimates(comparison: "Comparison") -> Iterator[str]:
    """As ``labelled``, a sentence each, without those that the data cannot tell."""
    for known in labelled(comparison):
        if known.estimate is not None and known.estimate.identified:
            yield f"{known.label}: {estimate(known.estimate, known.unit)}"


def category_headings(change: "ModelChange") -> tuple[str, ...]:
    if change.graded:
        return _PART_HEADINGS
    flips = (
        _OF_BATTLES[sign] if change.evidence == "battles" else f"{sign} flips" for sign in ("negative", "positive")
    )
    return (*_PART_HEADINGS, *flips)


def category_cells(change: "ModelChange") -> Iterator[tuple[str, ...]]:
    """Aligned to ``category_headings``."""
    unit = unit_of(change)
    for part in change.categories:
        known = part.change
        flips = () if change.graded else (known.flips.negative, known.flips.positive)
        counts = (known.wins, known.losses, known.ties, *flips)
        numbers = (f"{number:,}" for number in counts)
        yield (part.name or "no category", value(known.difference, unit), interval(known.difference, unit), *numbers)


def flip_sizes(change: "ModelChange") -> list[tuple[str, int, int]]:
    """How many instructions flipped either way, negative and positive, by how large the difference is, in points."""
    if change.graded:
        return []
    sizes = [(min(int(abs(row.difference) / _STEP - 1e-9), _STEPS - 1), row.flip) for row in change.instructions]
    return [
        (
            f"{at * _STEP * 100:.0f} to {(at + 1) * _STEP * 100:.0f} points",
            sizes.count((at, "negative")),
            sizes.count((at, "positive")),
        )
        for at in range(_STEPS)
    ]


def output_headings(change: "ModelChange") -> tuple[str, ...]:
    sides = ("preferred", "shown first", "shown second") if change.evidence == "battles" else ("old", "new")
    return "instruction", "category", *sides, "difference", *(() if change.graded else ("flip",))


def output_cells(
    change: "ModelChange", rows: Iterable["OutputChange"], battles: Iterable["BattleOfTwo"]
) -> Iterator[tuple[str, ...]]:
    """Aligned to ``output_headings``; of ``battles``, between the two, the preference is that for the first."""
    by_key = {battle.key: battle for battle in battles}
    unit = unit_of(change)
    side: Unit = "score" if change.graded else "rate"
    for row in rows:
        battle = by_key[row.key]
        sides = (
            (battle.preference, battle.shown_first, battle.shown_second)
            if change.evidence == "battles"
            else (row.old, row.new)
        )
        numbers = (amount(number, side) for number in sides)
        about = one_line(row.text, _BRIEF_CHARS), one_line(row.category or "")
        yield (*about, *numbers, amount(row.difference, unit), *(() if change.graded else (flip(change, row),)))


def flip(change: "ModelChange", row: "OutputChange") -> str:
    """In words; empty where there is none."""
    name = _OF_BATTLES[row.flip] if change.evidence == "battles" else row.flip
    return f"{name}, confirmed" if row.confirmed else name


def rows(change: "ModelChange") -> Iterator[dict[str, object]]:
    """One an instruction, with the columns COLUMNS, the worst regression first."""
    for row in change.instructions:
        named = {name: getattr(row, name) for name in COLUMNS[1:]}
        yield {"instruction": row.key, **named, "category": row.category or ""}


def _size(number: float, change: "ModelChange") -> str:
    return amount(number, "score") if change.graded else f"{100 * number:.1f} points"


def _rests(comparison: "Comparison") -> str:
    change = comparison.change
    known = change.whole
    judged = count(known.wins + known.losses + known.ties, "instruction")
    grouped = change.clusters < len(change.instructions)
    groups = f", in {count(change.clusters, 'group')} by {change.cluster}" if grouped else ""
    by = {
        "battles": "the two compared with each other, wins less losses, orders averaged",
        "baseline": f"what each did against {one_line(change.baseline or '')}; right is an output that beats it",
        "scores": "scores" if change.graded else f"outputs that are right, {_right(change)}",
    }[change.evidence]
    return f"by {by}: {judged}{groups}; {known.wins:,} better, {known.losses:,} worse, {known.ties:,} equal"


def _right(change: "ModelChange") -> str:
    return "by scores of 0 and 1" if change.right_from is None else f"by scores from {change.right_from:g} on"


def _smallest(change: "ModelChange") -> Iterator[str]:
    smallest = change.whole.smallest
    if smallest is not None:
        yield f"the smallest difference that is seen four times in five: {_size(smallest, change)}"


def _flipped(change: "ModelChange") -> Iterator[str]:
    flips = change.whole.flips
    if flips.rate.value is None:
        return
    if change.evidence == "battles":
        confirmed = f" ({flips.confirmed:,} in every repeat)" if flips.confirmed else ""
        yield f"{flips.negative:,} lost in both orders{confirmed}, {flips.positive:,} won in both"
        return
    confirmed = f" ({flips.confirmed:,} by every reading)" if flips.confirmed else ""
    yield f"{count(flips.negative, 'negative flip')}{confirmed}, {count(flips.positive, 'positive flip')}"
