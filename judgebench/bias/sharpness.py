"""A judge beside people on the same verdicts: what it adds to their taste, however sharp either of them is.

Coefficients of a logistic fit are measured in the noise of its verdicts (Allison 1999, Sociological Methods & Research
28, 186-208). A judge that goes by people's own quality with less noise has every strength and every slope larger than
theirs by one factor, its sharpness s. So neither a difference of slopes nor one of shares is a taste; nor is a slope
with people's votes as one more column, because a few votes are a noisy measure of what people prefer and leave their
taste in it (errors in variables: Carroll, Ruppert, Stefanski and Crainiceanu 2006).

Instead both are fitted alike, and a coefficient of the judge is compared with s times people's: delta = beta_judge - s
beta_people. s is the slope of the judge's strengths on people's, less what noise adds to the products (Fuller 1987,
Measurement Error Models, section 1.2): with IF the influence of each instruction on a fit's strengths theta,

    noise = sum over instructions and models of IF_people^2,    S = sum theta_people^2 - noise,
    s = (theta_judge . theta_people - sum over instructions of IF_judge . IF_people) / S,
    IF_s = (IF_judge . theta_people + IF_people . theta_judge - 2 s IF_people . theta_people) / S,
    IF_delta = IF_beta_judge - s IF_beta_people - beta_people IF_s.

Where S is less than three times the noise, people do not tell the models apart enough, and nothing is said. What an
instruction adds to one model's quality draws strengths and slopes to 0 alike; so delta is at least so large.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from judgebench.bias.effects import Effect, Fit, fit_effects, place_effect
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.verdict_table import Floats, VerdictTable

_LEAST_SIGNAL = 3  # times the noise in people's strengths
_NOT_APART = "people do not tell these models apart enough to compare the judge's sharpness with theirs"


@dataclass(frozen=True, slots=True, eq=False)
class BesidePeople:
    """Two fits to the same verdicts: both with the same effects, and the judge's with its place after them."""

    judge: Fit
    people: Fit

    @property
    def met(self) -> NDArray[np.bool_]:
        """(k,) models with a verdict."""
        table = self.judge.table
        return np.isin(np.arange(len(table.models)), np.concatenate([table.model_a, table.model_b]))

    def connected(self, model: int) -> NDArray[np.bool_]:
        """(k,) other models whose strengths compare with this one's, through any number of battles."""
        table = self.judge.table
        met = coo_array((np.ones(len(table)), (table.model_a, table.model_b)), shape=(len(table.models),) * 2)
        _, part = connected_components(met, directed=False)
        return np.asarray((part == part[model]) & (np.arange(len(part)) != model))

    def sharpness(self, models: NDArray[np.bool_]) -> "Sharpness":
        """The judge's, from strengths among ``models`` (k,)."""
        mine, my_influence = _centred(self.judge, models)
        theirs, their_influence = _centred(self.people, models)
        noise = float((their_influence**2).sum())
        signal = float(theirs @ theirs) - noise
        if signal <= 0 or signal < _LEAST_SIGNAL * noise:
            return Sharpness(self, 0.0, np.zeros(len(my_influence)), _NOT_APART)
        s = (float(mine @ theirs) - float((my_influence * their_influence).sum())) / signal
        influence = (my_influence @ theirs + their_influence @ mine - 2 * s * (their_influence @ theirs)) / signal
        return Sharpness(self, s, influence, "")


@dataclass(frozen=True, slots=True, eq=False)
class Sharpness:
    """How far the judge's strengths lie apart where people's lie apart by 1; above 1 it decides with less noise."""

    beside: BesidePeople
    value: float
    influence: Floats  # (g,)
    reason: str  # why it is not identified; "" where it is

    def estimate(self, *, level: float = 0.95) -> Estimate:
        """With its interval."""
        n = len(self.beside.judge.table)
        if self.reason:
            return unidentified(self.reason, level=level, n=n)
        return self.beside.judge.estimate(self.value, self.influence, n=n, level=level)

    def beyond(self, contrast: Floats, *, n: int, level: float = 0.95) -> Estimate:
        """Of strengths and effects times ``contrast`` (k + e,), summed: the judge's less ``value`` times people's."""
        if self.reason:
            return unidentified(self.reason, level=level, n=n)
        return self.beside.judge.estimate(*self.excess(contrast), n=n, level=level)

    def excess(self, contrast: Floats) -> tuple[float, Floats]:
        """As ``beyond``: the value, and its influence (g,)."""
        judge, people, p = self.beside.judge, self.beside.people, len(contrast)
        theirs = float(people.beta[:p] @ contrast)
        influence = judge.influence[:, :p] @ contrast - self.value * (people.influence[:, :p] @ contrast)
        return float(judge.beta[:p] @ contrast) - self.value * theirs, influence - theirs * self.influence

    def effect_beyond(self, name: str, *, level: float = 0.95) -> Estimate:
        """Of an effect that both fits have, a unit of its column."""
        judge, people = self.beside.judge, self.beside.people
        missing = next((f for fit in (judge, people) if not (f := fit.log_odds(name, level=level)).identified), None)
        return missing or self.beyond(self.of_effect(name), n=judge.log_odds(name).n, level=level)

    def of_effect(self, name: str) -> Floats:
        """(k + e,) the contrast that is this effect."""
        people = self.beside.people
        return np.array([0.0] * len(people.theta) + [float(effect.name == name) for effect in people.effects])


def beside_people(table: VerdictTable, human: Floats, effects: Sequence[Effect]) -> BesidePeople:
    """Fits to the judge's preferences and to people's, ``human`` (n,), of the verdicts that have both.

    Raises StatisticsError where no verdict has, or as ``effects.fit_effects``.
    """
    judged = np.isfinite(human)
    rows = table.select(judged)
    known = [replace(effect, column=effect.column[judged]) for effect in effects]
    return BesidePeople(
        fit_effects(rows, [*known, place_effect(rows)]), fit_effects(replace(rows, preference=human[judged]), known)
    )


def _centred(fit: Fit, models: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Strengths (m,) and their influence (g, m) among ``models``, about their mean."""
    strengths, influence = fit.theta[models], fit.influence[:, : len(models)][:, models]
    return strengths - strengths.mean(), influence - influence.mean(axis=1, keepdims=True)
