"""What of a benchmark a result counts, and what it leaves out, pools or marks.

Whatever is made of many verdicts carries one: a leaderboard, a matrix, a card. ``show.coverage`` says it in sentences,
the same ones wherever the result is shown.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal

from judgebench.records import Status

JudgesBy = Literal["most verdicts", "name", "all", "jury", "each"]
FlaggedAre = Literal["apart", "left out", "pairs", "wanted", "baseline", "too many"]


@dataclass(frozen=True, slots=True)
class People:
    """Whose votes a result counts that is by people's votes. Who voted is not named but where they were chosen."""

    votes: int
    annotators: int  # who gave them
    both_bad: int = 0  # of the votes, those by which neither output will do; they count as ties
    chosen: tuple[str, ...] = ()  # annotators; empty: all
    other_votes: int = 0  # that could count, of other annotators
    other_annotators: int = 0
    question: str = ""  # by what they compared; "": which output is better


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Counts and names. A model *counts* where the result says something of it and it is not flagged."""

    judges: Mapping[str, int]  # whose verdicts count: how many have a preference or score
    judges_by: JudgesBy = "name"  # how they were chosen
    other_judges: Mapping[str, int] = field(default_factory=dict)  # who were asked too, verdicts that could count
    left_out: Mapping[Status, int] = field(default_factory=dict)  # trials of ``judges`` without either, by status
    category: str | None = None
    language: str | None = None
    common: bool = False  # only instructions that all models that count were judged on
    instructions: int = 0  # of the benchmark
    chosen: int = 0  # of them, in the category and language
    judged: int = 0  # of them, with a verdict that counts
    shared: int = 0  # of them, with one on every model that counts
    fewest: int = 0  # instructions that any model that counts was judged on
    most: int = 0
    short: tuple[str, ...] = ()  # models judged on fewer than ``most``
    groups: int = 1  # of models that count, which no battle connects
    baseline: str | None = None
    not_judged: tuple[str, ...] = ()  # models with outputs to the instructions chosen, and no verdict of any judge
    by_others: tuple[str, ...] = ()  # models judged by ``other_judges`` alone
    not_ranked: tuple[str, ...] = ()  # judged, and yet the result says nothing of them
    fewest_samples: int = 1  # outputs that a model has to an instruction that it answered
    most_samples: int = 1
    flagged: tuple[str, ...] = ()  # models whose newest submission audit has severe findings
    flagged_are: FlaggedAre = "apart"  # where they went, or why they count as all others do
    of_flagged: int = 0  # verdicts on them that count for no other model
    others_met: int = 0  # verdicts on battles without ``baseline``, which count for nothing
    suspect: tuple[str, ...] = ()  # whose audit found, in few outputs, what may work on a judge
    unaudited: tuple[str, ...] = ()  # without a submission audit, or with outputs that came after it
    models: int = 0  # that have outputs to the instructions chosen, of those that could count
    submitted: int = 0  # the same, with those that were not among the models chosen; 0: nobody counted
    people: People | None = None  # whose votes count in place of judges' verdicts; None: those of judges

    def document(self) -> dict[str, Any]:
        """The same facts as plain values, names of mappings in order."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    @property
    def pooled(self) -> bool:
        """Whether several judges' verdicts count together."""
        return sum(number > 0 for number in self.judges.values()) > 1 and self.judges_by not in ("jury", "each")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): number for key, number in sorted(value.items())}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(fact) for name, fact in asdict(value).items()}
    return list(value) if isinstance(value, tuple) else value
