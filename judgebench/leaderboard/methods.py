"""The methods of ranking: one table, which the command line, the app, Python and the documentation read.

A method is a function in a file of its own and an entry here. The function takes ``(table, choices, baseline, rng)``,
with ``columns`` besides where the method takes controls, and gives ``stats.method.Estimates``. It is named and not
imported, so that whoever only lists the methods does not wait for the numeric libraries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from judgebench.errors import UnknownName
from judgebench.stats.method import Estimates, Scale

Method = Literal[
    "win-rate",
    "length-controlled",
    "bradley-terry",
    "davidson",
    "rao-kupper",
    "judge-aware",
    "peer-rank",
    "elo",
    "score",
]


@dataclass(frozen=True, slots=True)
class RankingMethod:
    """A method as it is shown, what it offers, and where it is."""

    label: str  # in lists, e.g. "Win rate"
    numbers: str  # what the values are, in sentences, e.g. "Win rates"
    help: str  # the same in one sentence
    function: str  # "module:function"
    scales: tuple[Scale, ...]  # the usual one first
    needs: Literal["pairwise", "scores"] = "pairwise"  # which table it ranks by
    heading: str = ""  # of the values in tables; the scale's name where empty
    controls: bool = False  # takes columns to hold equal
    bootstrap: bool = False  # has bootstrap intervals
    clusters: bool = False  # has intervals by other clusters than instructions
    multiverse: bool = False  # takes part in the comparison of reasonable methods
    several: bool = False  # is about several judges: takes all where none is named

    @property
    def rates(self) -> bool:
        """Whether its values are shares of battles, which with a baseline are battles with that alone."""
        return self.scales[0] == "rate"

    def load(self) -> Callable[..., Estimates]:
        """The function itself."""
        module, name = self.function.split(":")
        function: Callable[..., Estimates] = getattr(import_module(module), name)
        return function


METHODS: dict[str, RankingMethod] = {
    "win-rate": RankingMethod(
        "Win rate",
        "Win rates",
        "How often a model is preferred to the baseline, or to everyone it met.",
        "judgebench.stats.win_rate:estimates",
        ("rate",),
        heading="win rate",
        bootstrap=True,
        multiverse=True,
    ),
    "length-controlled": RankingMethod(
        "Length-controlled win rate",
        "Length-controlled win rates",
        "The win rate against the baseline as it would be if outputs were equally long, as in AlpacaEval 2.",
        "judgebench.stats.length_control:estimates",
        ("rate",),
        heading="length-controlled",
        bootstrap=True,
        multiverse=True,
    ),
    "bradley-terry": RankingMethod(
        "Bradley-Terry",
        "Bradley-Terry ratings",
        "One strength a model, fitted to all battles; a tie is half a win.",
        "judgebench.stats.bradley_terry.covariates:bradley_terry_estimates",
        ("elo", "logit"),
        controls=True,
        bootstrap=True,
        clusters=True,
        multiverse=True,
    ),
    "davidson": RankingMethod(
        "Bradley-Terry, ties by Davidson",
        "Bradley-Terry ratings, ties modelled by Davidson",
        "Bradley-Terry in which ties have a probability of their own, the larger the nearer two models are.",
        "judgebench.stats.bradley_terry.covariates:davidson_estimates",
        ("elo", "logit"),
        controls=True,
        multiverse=True,
    ),
    "rao-kupper": RankingMethod(
        "Bradley-Terry, ties by Rao-Kupper",
        "Bradley-Terry ratings, ties modelled by Rao and Kupper",
        "Bradley-Terry in which a difference below a threshold is a tie.",
        "judgebench.stats.bradley_terry.covariates:rao_kupper_estimates",
        ("elo", "logit"),
        controls=True,
    ),
    "judge-aware": RankingMethod(
        "Bradley-Terry, judge-aware",
        "Bradley-Terry ratings with judges weighed by what they tell",
        "Bradley-Terry in which judges differ in how sharply they tell models apart, in position bias and in ties.",
        "judgebench.stats.judge_model:estimates",
        ("elo", "logit"),
        controls=True,
        several=True,
    ),
    "peer-rank": RankingMethod(
        "Peer rank",
        "Win rates in which judges weigh by their own",
        "Win rates by judges that are models of the board, each weighing by its own rank, its own outputs left out.",
        "judgebench.stats.peer_rank:estimates",
        ("rate",),
        heading="peer rank",
        several=True,
    ),
    "elo": RankingMethod(
        "Online Elo",
        "Online Elo ratings",
        "Ratings updated verdict by verdict, for comparison with boards that show them; no confidence interval.",
        "judgebench.stats.elo:estimates",
        ("elo",),
    ),
    "score": RankingMethod(
        "Mean score",
        "Mean scores",
        "The mean of pointwise scores over instructions.",
        "judgebench.stats.scores:estimates",
        ("score",),
        needs="scores",
    ),
}


def named(name: str) -> RankingMethod:
    """Raises UnknownName."""
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name]


def that(offers: Callable[[RankingMethod], bool]) -> str:
    """The names of the methods that offer something, for messages."""
    return ", ".join(name for name, method in METHODS.items() if offers(method))
