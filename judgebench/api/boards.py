"""Leaderboards, what verdicts say beyond one, what biases them, and charts of all that.

The leaderboard's function is ``rank`` and the bias report's ``bias_report``, because ``judgebench.leaderboard`` and
``judgebench.bias`` are modules.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import pandas as pd

from judgebench import leaderboard, services
from judgebench.api.data import Names, frame_of, known_names, names_of, valid
from judgebench.audits.findings import AuditReport
from judgebench.bias.counterfactual import Counterfactuals
from judgebench.bias.human_agreement import JudgeAgreement
from judgebench.bias.report import BiasReport
from judgebench.errors import InputError
from judgebench.estimate import Estimate
from judgebench.leaderboard.build import to_elo
from judgebench.services.scope import Scope
from judgebench.show import charts, coverage, tables
from judgebench.show.numbers import Labelled
from judgebench.stats.bradley_terry import fit_pair_counts
from judgebench.stats.bradley_terry.covariates import rating_estimates
from judgebench.stats.outcome_columns import count_outcomes
from judgebench.stats.social_choice import Consensus
from judgebench.store.database import Database

if TYPE_CHECKING:
    import altair

__all__ = [
    "bias_report", "chart", "consensus", "counterfactual", "matrix", "multiverse", "quality", "rank", "rate",
]  # fmt: skip
_WHOLE = dict.fromkeys(("rank", "rank_lower", "rank_upper", "tier", "outputs"), "Int64")  # may be missing


def rank(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = "win-rate", baseline: str | None = None,
    margin: float | None = None, join: leaderboard.Join | None = None, cluster: leaderboard.Cluster = "instruction",
    jury: leaderboard.Jury | None = None, control: leaderboard.Control | Sequence[leaderboard.Control] = (),
    exclude_related: bool = False, related_weight: float = 1.0, anchor: leaderboard.Anchor | None = None,
    labels_of: str | None = None, scale: leaderboard.Scale | None = None,
    interval: leaderboard.IntervalMethod = "analytic", level: float = 0.95, resamples: int = 1000, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """The leaderboard by the verdicts of ``judge``, of the judge with most where none is named, or of ``all_judges``.

    ``common``: only by instructions that all models were judged on. ``with_flagged``: models that a submission audit
    flagged are opponents; else they stand last, without a rank, and change nobody's numbers.
    ``margin``: rank pointwise scores by the preferences they amount to, ties within it. ``control``: "length",
    "style", "position", held equal by the rating model. ``exclude_related`` leaves verdicts of related judges out,
    ``related_weight`` in [0, 1] weighs them. ``anchor`` corrects the judge by human labels, with "rogan-gladen" by
    error rates on those of the benchmark ``labels_of``. ``level``: of intervals and rank ranges, in (0, 1).

    Returns: one row a model, the best first, with the columns ``leaderboard.COLUMNS``. Rates lie in [0, 1], ratings on
    the Elo scale unless ``scale`` says otherwise. ``attrs`` say how the numbers came about and what was left out:
    ``judges``, ``method``, ``scale``, ``baseline``, ``interval``, ``left_out``, ``coverage``, ``notes``, ``gate``.
    Raises InputError on an unknown name or value, and StatisticsError when there is nothing to rank by.
    """
    choices = valid(
        leaderboard.Choices, method=method, baseline=baseline, scale=scale, level=level, interval=interval,
        resamples=resamples, seed=seed, cluster=cluster, join=join, margin=margin, jury=jury,
    )  # fmt: skip
    columns = known_names("control", control, get_args(leaderboard.Control))
    weight = 0.0 if exclude_related else related_weight
    controls = valid(leaderboard.Controls, columns=columns, related_weight=weight, anchor=anchor, labels_of=labels_of)
    board = services.leaderboards.leaderboard(
        database, benchmark, choices=choices, controls=controls,
        scope=Scope(names_of(judge), category, language, all_judges, common, with_flagged),
    )  # fmt: skip
    frame = frame_of([row.columns() for row in board.rows], leaderboard.COLUMNS).astype(_WHOLE)
    document = tables.board_document(benchmark, board)
    frame.attrs = {key: value for key, value in document.items() if key != "rows"}
    return frame


def rate(model_a: Sequence[str], model_b: Sequence[str], winner: Sequence[str], *, level: float = 0.95) -> pd.DataFrame:
    """Bradley-Terry ratings of battles that need no database, such as arena votes; a million take a tenth of a second.

    ``winner`` of each: "model_a", "model_b", "tie", "both_bad" or "tie (bothbad)".

    Returns: one row a model, the best first: ``model``, ``rating`` on the Elo scale with ``lower`` and ``upper``,
    ``battles``, ``flag`` (why a rating is none of maximum likelihood).
    Raises InputError, naming column and row, and StatisticsError when the fit does not converge.
    """
    counts = count_outcomes(model_a, model_b, winner)
    ratings, known = fit_pair_counts(counts), fit_pair_counts(counts, imagined=True)
    estimates = rating_estimates(ratings, known, ratings.verdicts - 1, level)
    ends = {"rating": ratings.theta, "lower": estimates.lower, "upper": estimates.upper}
    columns = {"model": ratings.models, **{name: to_elo(theta) for name, theta in ends.items()}}
    frame = pd.DataFrame(columns | {"battles": ratings.verdicts, "flag": ratings.flags})
    return frame.sort_values("rating", ascending=False, ignore_index=True)


def matrix(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """How often each model was preferred to each other one, by the verdicts that ``rank`` takes.

    Returns: one row a direction of every pair that met: ``model``, ``opponent``, ``win_rate`` with ``lower`` and
    ``upper`` in [0, 1], ``battles``. ``attrs``: ``level`` and ``method`` of the intervals, ``coverage``, ``notes``.
    Raises UnknownName.
    """
    scope = Scope(names_of(judge), category, language, all_judges)
    rates = services.leaderboards.matrix(database, benchmark, scope=scope)
    frame = frame_of(rates.pairs(), ["model", "opponent", "win_rate", "lower", "upper", "battles"])
    frame.attrs = {"level": rates.level, "method": rates.method}
    frame.attrs["coverage"], frame.attrs["notes"] = coverage.told(rates.coverage).values()
    return frame


def multiverse(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """The ranking under every reasonable choice of method, judges and verdicts, and what survives them all.

    Verdicts are those that ``rank`` takes; those of several judges are also taken judge by judge. Flagged models are
    left out.

    Returns: one row a model: ``best_rank``, ``worst_rank``, ``leads`` (share of rankings in which it is first) and
    ``above_in_all`` (the models it beats in all of them). ``attrs``: ``universes``, the number of rankings;
    ``impossible``, choices that do not fit these verdicts; ``influence``, the share of pairs a choice turns round;
    ``coverage``, ``notes``.
    Raises UnknownName, and StatisticsError where nothing was judged.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    many = services.leaderboards.multiverse(database, benchmark, scope=scope, seed=seed)
    frame = frame_of(many.together.rows(), ["model", "best_rank", "worst_rank", "leads", "above_in_all"])
    influence = dict(many.together.influence)
    frame.attrs = {"universes": many.together.universes, "impossible": many.impossible, "influence": influence}
    frame.attrs["coverage"], frame.attrs["notes"] = coverage.told(many.coverage).values()
    return frame


def consensus(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False, resamples: int = 1000, seed: int = 0,
) -> Consensus:  # fmt: skip
    """Who is best without one scale: lottery over pairs, Borda and Kemeny over categories; and the test of cycles.

    Verdicts are those that ``rank`` takes; flagged models are left out. ``resamples`` and ``seed`` are the test's.

    Raises UnknownName, and StatisticsError where nothing was judged.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    return services.leaderboards.other_answers(database, benchmark, scope=scope, resamples=resamples, seed=seed)


def quality(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, common: bool = False,
    with_flagged: bool = False, against: str | None = None, against_judge: Names = (),
    method: leaderboard.Method = "win-rate",
) -> services.leaderboards.BoardQuality:  # fmt: skip
    """How many pairs a leaderboard tells apart, and how well it foretells another: ``against`` a benchmark, or the
    same by ``against_judge``.

    Raises UnknownName, StatisticsError for fewer than two models, InputError where the two share fewer than two.
    """
    choices, others = valid(leaderboard.Choices, method=method), names_of(against_judge)
    scope = Scope(names_of(judge), all_judges=all_judges, common=common, with_flagged=with_flagged)
    return services.leaderboards.board_quality(
        database, benchmark, scope=scope, against=against, against_judges=others, choices=choices
    )


def bias_report(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    baseline: str | None = None, level: float = 0.95,
) -> BiasReport:  # fmt: skip
    """What besides quality moves the judges: position, length, style, their relatives; and the ranking without it.

    Of ``judge``, of the judge with most verdicts where none is named, or of ``all_judges`` together.
    ``baseline``: win rates in the counterfactual leaderboards are against this model.

    Raises UnknownName, and StatisticsError where there is no verdict.
    """
    scope = Scope(names_of(judge), category, all_judges=all_judges)
    return services.bias.bias(database, benchmark, scope=scope, baseline=baseline, level=level)


def counterfactual(
    database: Database, *, benchmark: str,
    without: services.bias.Without | Sequence[services.bias.Without] = "length", judge: Names = (),
    all_judges: bool = False, category: str | None = None, language: str | None = None, common: bool = False,
    with_flagged: bool = False, baseline: str | None = None,
) -> Counterfactuals:  # fmt: skip
    """The leaderboard as it would be without an effect: "length", "style" or "lineage" (of judges and models).

    Verdicts are those that ``rank`` takes; flagged models are left out.

    Raises UnknownName, and StatisticsError where there is no verdict.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    effects = known_names("effect", without, get_args(services.bias.Without))
    return services.bias.moves(database, benchmark, effects, scope=scope, baseline=baseline)


def chart(result: pd.DataFrame | Counterfactuals | BiasReport | JudgeAgreement | AuditReport) -> "altair.Chart":
    """A result as an Altair chart: a frame of ``rank`` or ``matrix``, also a part of its rows; a ``counterfactual``
    leaderboard; the effects of a ``bias_report``; one of the judges of an ``agreement``, accuracy by confidence; an
    audit by null models.

    Raises InputError for a result of which there is no chart, and MissingExtra where Altair is not installed.
    """
    match result:
        case pd.DataFrame() if set(leaderboard.COLUMNS) <= set(result) and "scale" in result.attrs:
            spec = charts.intervals(_board(result))
        case pd.DataFrame() if {"opponent", "win_rate", "lower", "upper", "battles"} <= set(result):
            pairs = [dict(zip(result.columns, cells, strict=True)) for cells in result.itertuples(index=False)]
            spec = charts.matrix(pairs, list(dict.fromkeys(result["model"])))
        case Counterfactuals():
            spec = charts.moves(tables.moves(result))
        case BiasReport():
            effects = [(f"{entry.name}: {entry.meaning}", entry.points) for entry in result.ledger.entries]
            known = [Labelled(label, points, "points") for label, points in effects if points and points.identified]
            spec = charts.effects(known)
        case JudgeAgreement() if result.calibration is not None:
            spec = charts.reliability(result.calibration.curve)
        case AuditReport() if "entrants" in result.details:
            spec = charts.null_models(result.details["entrants"], result.details["gate"]["fail_above"])
        case _:
            raise InputError("there is no chart of this: help(judgebench.chart) says of what there is one")
    drawn: altair.Chart = charts.chart(spec)
    return drawn


def _board(frame: pd.DataFrame) -> leaderboard.Leaderboard:
    """The leaderboard that ``rank`` put into a frame."""
    about, rows = frame.attrs, []
    for cells in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        value, lower, upper = (cells.pop(name) for name in ("rating", "lower", "upper"))
        level, method = about["interval"]["level"], about["interval"]["method"]
        rating = Estimate(value, lower, upper, level, method, cells["battles"], cells["flag"] or "no estimate")
        others = {name: cells[name] for name in leaderboard.COLUMNS if name in cells}
        rows.append(leaderboard.Row(estimate=rating, **others))
    return leaderboard.Leaderboard((), about["method"], about["scale"], about["baseline"], tuple(rows), ())
