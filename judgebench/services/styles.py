"""How long a model's outputs are and how they look, beside those of all others on the benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, sqrt
from statistics import median

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.estimate import Estimate
from judgebench.stats.intervals import normal_estimate
from judgebench.store.database import Database
from judgebench.store.models import Sums

_METHOD = "t over outputs"


@dataclass(frozen=True, slots=True)
class StyleLine:
    """One feature of a model's outputs."""

    feature: str  # "length" in characters, or one of "headers", "lists", "bold", "code": how many an output has
    mean: Estimate  # of an output
    field: float | None  # the median of all models' means; None: nobody else has outputs
    place: int  # 1: no other model has more on average
    models: int  # with outputs, itself among them


def styles(
    database: Database, benchmark: str, model: str, *, category: str | None = None, level: float = 0.95
) -> tuple[StyleLine, ...]:
    """Raises UnknownName for a model without outputs there, or another unknown name."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, (), category)
        sums = store.models.style_sums(connection, benchmark_id, category=category)
    if model not in sums:
        raise UnknownName("model with outputs here", model, sorted(sums))
    return tuple(_line(feature, model, sums, level) for feature in sums[model])


def _line(feature: str, model: str, sums: Mapping[str, Mapping[str, Sums]], level: float) -> StyleLine:
    known = {name: of[feature].total / of[feature].number for name, of in sums.items() if of[feature].number}
    others = [mean for name, mean in known.items() if name != model]
    mine = known.get(model)
    place = 1 + sum(mean > mine for mean in others) if mine is not None else len(known) + 1
    field = median(known.values()) if others else None
    return StyleLine(feature, _mean(sums[model][feature], level), field, place, len(known))


def _mean(of: Sums, level: float) -> Estimate:
    if not of.number:
        return Estimate(None, None, None, level, _METHOD, 0, "its outputs were stored before this was counted")
    mean = of.total / of.number
    if of.number < 2:
        return Estimate(mean, None, None, level, _METHOD, of.number, "one output")
    degrees = of.number - 1
    error = sqrt(max(of.squares - of.number * mean**2, 0.0) / degrees / of.number)
    return normal_estimate(mean, error, level=level, n=of.number, degrees=degrees, bounds=(0.0, inf), method=_METHOD)
