"""Leaderboards, what verdicts say beyond one, what biases them, and charts of all that.

The leaderboard's function is ``rank`` and the bias report's ``bias_report``, because ``judgebench.leaderboard`` and
``judgebench.bias`` are modules.
"""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, cast, get_args

import pandas as pd

from judgebench import leaderboard, services
from judgebench.api.data import Names, frame_of, known_names, names_of, valid
from judgebench.audits.findings import AuditReport
from judgebench.bias.counterfactual import Counterfactuals
from judgebench.bias.human_agreement import JudgeAgreement
from judgebench.bias.report import BiasReport
from judgebench.bias.voters import VotersReport
from judgebench.errors import InputError, UnknownName
from judgebench.estimate import Estimate
from judgebench.formats.goal_labels import read_goal_labels
from judgebench.leaderboard import BY_SYNONYMS, By
from judgebench.leaderboard.build import to_elo
from judgebench.leaderboard.judge_benchmarks import JudgeBenchmarkName
from judgebench.leaderboard.profiles import ProfileName
from judgebench.leaderboard.published.board import PublishedBoard
from judgebench.records import OVERALL
from judgebench.services.scope import Scope
from judgebench.services.versions import ByVersions, Dependence
from judgebench.show import board_page as page
from judgebench.show import charts, coverage, judge_board, tables
from judgebench.show import published as shown
from judgebench.show import voters as voters_shown
from judgebench.show.numbers import Labelled
from judgebench.stats.agreement import Resampling
from judgebench.stats.bradley_terry import fit_pair_counts
from judgebench.stats.bradley_terry.covariates import rating_estimates
from judgebench.stats.outcome_columns import count_outcomes
from judgebench.stats.social_choice import Consensus
from judgebench.store.database import Database

if TYPE_CHECKING:
    import altair

__all__ = [
    "bias_report", "board_page", "categories", "chart", "compare", "consensus", "counterfactual",
    "distributions", "evaluate_judges", "goals", "hindsight", "history", "matrix", "multiverse", "profile", "quality",
    "rank", "rate", "steps", "two_boards", "voters",
]  # fmt: skip
_WHOLE = dict.fromkeys(("rank", "rank_lower", "rank_upper", "tier", "outputs"), "Int64")  # may be missing


def rank(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = leaderboard.USUAL_METHOD, baseline: str | None = None,
    margin: float | None = None, join: leaderboard.Join | None = None, cluster: leaderboard.Cluster = "instruction",
    jury: leaderboard.Jury | None = None, control: leaderboard.Control | Sequence[leaderboard.Control] = (),
    exclude_related: bool = False, related_weight: float = 1.0, anchor: leaderboard.Anchor | None = None,
    labels_of: str | None = None, scale: leaderboard.Scale | None = None,
    interval: leaderboard.IntervalMethod = "analytic", level: float = 0.95, resamples: int = 1000, seed: int = 0,
    by: By = "judges", annotator: Names = (), question: str = OVERALL, profile: ProfileName | None = None,
    length_margin: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The leaderboard by the verdicts of ``judge``, of the judge with most where none is named, or of ``all_judges``.

    ``by`` "people": by people's votes in place of verdicts, of ``annotator`` or of everybody, on which output is
    better, or on the ``question`` they were asked; ``cluster`` "judge" then counts an annotator's votes together.
    ``by`` "both": judges' leaderboard beside people's, with the columns ``show.voters.TWO_COLUMNS``: each rating with
    its interval, the ranks left open on each, and where the two are apart.

    ``common``: only by instructions that all models were judged on. ``with_flagged``: models that a submission audit
    flagged are opponents; else they stand last, without a rank, and change nobody's numbers.
    ``margin``: rank pointwise scores by the preferences they amount to, ties within it. ``control``: "length",
    "style", "position", held equal by the rating model. ``exclude_related`` leaves verdicts of related judges out,
    ``related_weight`` in [0, 1] weighs them. ``anchor`` corrects the judge by human labels, with "rogan-gladen" by
    error rates on those of the benchmark ``labels_of``. ``level``: of intervals and rank ranges, in (0, 1).

    ``profile``: the numbers that this benchmark publishes, in place of method, controls and intervals; of WildBench
    slight wins of outputs more than ``length_margin`` characters longer are ties. Then columns are those numbers as
    they are published, each with ``_lower`` and ``_upper``, and ``attrs`` hold what ``leaderboard --profile`` prints as
    JSON.

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
    counted = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    if _named_by(by) == "both":
        if profile is not None or length_margin is not None or controls != leaderboard.Controls():
            raise InputError('by="both" takes no profile or controls: choose "judges" or "people"')
        two = services.voters.two_boards(
            database, benchmark, scope=counted, annotators=names_of(annotator), question=question, choices=choices
        )
        beside = frame_of(voters_shown.two_rows(two), voters_shown.TWO_COLUMNS)
        beside.attrs = dict(voters_shown.two_document(benchmark, two).items())
        return beside
    scope = _by(by, annotator, question, counted)
    if profile is not None or length_margin is not None:
        scoring = services.published.scoring(choices, controls, profile, length_margin)
        return _published(services.published.published_board(database, benchmark, scoring, scope=scope), benchmark)
    board = services.leaderboards.leaderboard(database, benchmark, choices=choices, controls=controls, scope=scope)
    frame = frame_of([row.columns() for row in board.rows], leaderboard.COLUMNS).astype(_WHOLE)
    document = tables.board_document(benchmark, board)
    frame.attrs = {key: value for key, value in document.items() if key != "rows"}
    return frame


def _published(board: PublishedBoard, benchmark: str) -> pd.DataFrame:
    frame = frame_of(shown.columns(board), shown.column_names(board))
    frame.attrs = dict(shown.document(benchmark, board).items())
    return frame


def _by(by: By, annotator: Names, question: str, scope: Scope) -> Scope:
    """``scope`` by judges' verdicts, or by people's votes. Raises InputError for any other word."""
    if _named_by(by) == "both":
        raise InputError('two leaderboards are given by rank(by="both"): choose "judges" or "people"')
    people = _named_by(by) == "people"
    return replace(scope, people=people, annotators=names_of(annotator), question=question)


def _named_by(by: str) -> By:
    """Raises UnknownName."""
    word = BY_SYNONYMS.get(by, by)
    if word not in get_args(By):
        raise UnknownName("by", by, get_args(By))
    return cast(By, word)


def evaluate_judges(
    database: Database, *, benchmark: str, judge: Names = (), profile: JudgeBenchmarkName | None = None,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """How often judges are right on a benchmark of judges, by its own sections and rules.

    ``judge``: whom, all that were asked about its labelled pairs where none is named. ``profile``: whose rules; None
    where the benchmark is called as one, or its labels tell. ``level``: of intervals, in (0, 1).

    Returns: one row a judge, the best first: the benchmark's numbers in percent, each with ``_lower`` and ``_upper``,
    ``pairs``, ``both_orders`` and ``failures``, and what trials took. ``attrs`` hold what ``judges evaluate`` prints
    as JSON. Raises InputError on an unknown name, and StatisticsError where no judge was asked about a labelled pair.
    """
    board = services.judge_benchmarks.evaluate_judges(
        database, benchmark, judges=names_of(judge), profile=profile, level=level
    )
    frame = frame_of(judge_board.columns(board), judge_board.column_names(board))
    frame.attrs = dict(judge_board.document(benchmark, board).items())
    return frame


def board_page(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = leaderboard.USUAL_METHOD, baseline: str | None = None, battles: int = 50,
    by: By = "judges", annotator: Names = (), question: str = OVERALL,
) -> str:  # fmt: skip
    """The leaderboard that ``rank`` gives as one HTML document that opens offline, to be sent or published.

    ``battles``: how many are in it, those that the weaker model won most surely first, each with everything said; of a
    leaderboard by people none.
    Raises as ``rank`` does.
    """
    scope = _by(by, annotator, question, Scope(names_of(judge), category, language, all_judges, common, with_flagged))
    choices = valid(leaderboard.Choices, method=method, baseline=baseline)
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=choices)
    beside = services.leaderboards.beside(database, benchmark, board, scope=scope)
    upsets = services.battles.upsets(database, benchmark, board.judges, category=category, most=battles)
    rates = services.part_rates.category_rates(database, benchmark, scope=scope, choices=choices)
    images = services.images.of_battles(database, upsets)
    return page.board_page(benchmark, board, beside, rates, upsets, images)


def voters(
    database: Database, *, benchmark: str, judge: Names = (), question: str = OVERALL, most: int = 200,
    level: float = 0.95,
) -> VotersReport:  # fmt: skip
    """Everybody who voted: ties, leaning to what was shown first, agreement with others and with judges, and pace.

    ``judge``: beside these, all where none is named. The ``most`` people with most votes are listed. ``level``: of
    intervals, in (0, 1).
    Raises UnknownName, and StatisticsError where nobody voted.
    """
    how = Resampling(level=level)
    judges = names_of(judge)
    return services.voters.voters(database, benchmark, judges=judges, question=question, most=most, how=how)


def two_boards(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = leaderboard.USUAL_METHOD, question: str = OVERALL,
) -> services.voters.TwoBoards:  # fmt: skip
    """The leaderboard by judges beside the one by people's votes, and where no rank is left open by both.

    Verdicts are those that ``rank`` takes. Raises as ``rank`` does.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    valid(leaderboard.Choices, method=method)
    return services.voters.two_boards(
        database, benchmark, scope=scope, question=question, choices=leaderboard.Choices(method=method)
    )


def profile(
    database: Database, *, model: str, benchmark: str, judge: Names = (), all_judges: bool = False,
    category: str | None = None, language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = leaderboard.USUAL_METHOD, baseline: str | None = None,
) -> services.profiles.Profile:  # fmt: skip
    """Where a model stands by the verdicts that ``rank`` takes, by category and by opponent, and its best and worst
    instructions.

    Raises UnknownName for a model that is not on the leaderboard, else as ``rank`` does.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    choices = valid(leaderboard.Choices, method=method, baseline=baseline)
    return services.profiles.profile(database, benchmark, model, scope=scope, choices=choices)


def compare(
    database: Database, *, first: str, second: str, benchmark: str, judge: Names = (), all_judges: bool = False,
    category: str | None = None, language: str | None = None, common: bool = False, with_flagged: bool = False,
    baseline: str | None = None, right_from: float | None = None, margin: float = 0.0, cluster: Dependence = "dialogue",
    level: float = 0.95,
) -> services.profiles.Comparison:  # fmt: skip
    """Two models beside each other: wins, losses and ties of ``first``, by category, and each battle of theirs; and
    what changed from ``first`` to ``second`` as from an old version to a new one, with a decision by ``margin``.

    ``baseline``: by what each did against it, also where they met. ``right_from``: scores that are this or more are
    right. ``margin``: how much worse ``second`` may be, a share in [0, 1], of graded scores in their units.
    ``cluster``: instructions of one "dialogue" (which begin alike) or "category" depend on each other.

    Raises UnknownName for a model that is not there, StatisticsError where nothing is said of both, and InputError for
    a ``baseline`` or ``right_from`` that does not fit the verdicts.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    by = ByVersions(baseline, right_from, margin, cluster)
    return services.profiles.compare(database, benchmark, first, second, scope=scope, by=by, level=level)


def hindsight(
    database: Database, *, benchmark: str, judge: str, informed: str, category: str | None = None, level: float = 0.95
) -> services.hindsight.Hindsight:
    """What it changes to know what happened afterwards: the trials that both judges read, paired, of which ``informed``
    was shown it and ``judge`` was not.

    Raises UnknownName, InputError where the two are not such judges, and StatisticsError without a trial of both.
    """
    return services.hindsight.hindsight(
        database, benchmark, judge=judge, informed=informed, category=category, level=level
    )


def steps(
    database: Database, *, benchmark: str, judge: str | None = None, annotator: str | None = None,
    category: str | None = None, model: Names = (), level: float = 0.95,
) -> services.steps.StepReport:  # fmt: skip
    """What a judge says of each step of outputs, or which places it finds fault with, in all and by category and model;
    and where people or a source labelled the steps, how far it says what they do.

    ``judge``: None: the only one that judged steps. ``annotator``: whose labels count; None: everybody's.

    Raises UnknownName for a name that is not there, InputError where no judge or several judged steps, and
    StatisticsError where none of these outputs has a verdict.
    """
    return services.steps.steps(
        database, benchmark, judge=judge, annotator=annotator, category=category, models=names_of(model), level=level
    )


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


def categories(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, language: str | None = None,
    common: bool = False, with_flagged: bool = False, method: leaderboard.Method = leaderboard.USUAL_METHOD,
    baseline: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What every model did on every category of instructions, by the verdicts that ``rank`` takes.

    Returns: one row a model and category: ``model``, ``category``, ``value`` (a win rate in [0, 1]; of the method
    "score" a mean score) with ``lower`` and ``upper``, ``battles``, ``wins``, ``ties``, ``instructions``; none where
    no instruction has a category. ``attrs``: ``baseline``, ``level``, ``coverage``, ``notes``.
    Raises as ``rank`` does.
    """
    scope = Scope(names_of(judge), None, language, all_judges, common, with_flagged)
    choices = valid(leaderboard.Choices, method=method, baseline=baseline)
    rates = services.part_rates.category_rates(database, benchmark, scope=scope, choices=choices)
    frame = frame_of(tables.category_rows(rates), tables.CATEGORY_COLUMNS)
    frame.attrs = {"baseline": rates.board.baseline, "level": rates.board.level}
    frame.attrs["coverage"], frame.attrs["notes"] = coverage.told(rates.board.coverage).values()
    return frame


def goals(
    database: Database, *, benchmark: str, judge: str | None = None, model: Names = (), category: str | None = None,
    baseline: str | None = None, labels: str | PathLike[str] | None = None, level: float = 0.95, seed: int = 0,
) -> services.goals.GoalReport:  # fmt: skip
    """How many of users' goals dialogues reached, and why the others failed, by a judge asked with "pointwise/goals".

    ``judge``: its name, or its model's; None: the only one that has listed goals there. ``baseline``: the older version
    that each other model is compared with, on the same dialogues. ``labels``: a file of goals that people labelled.
    ``run`` asks; ``report.models``, ``causes``, ``turns`` and so on hold estimates, clustered by dialogue.

    Raises UnknownName, and InputError where the judge has listed none.
    """
    given = () if labels is None else read_goal_labels(fspath(labels))
    choice = services.goals.GoalChoice(judge, names_of(model), category, baseline, given)
    return services.goals.goals(database, benchmark, choice, level=level, seed=seed)


def distributions(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = leaderboard.USUAL_METHOD, baseline: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """How often each model had which preference, or by the method "score" which score, by the verdicts that ``rank``
    takes.

    Returns: one row a model and bin: ``model``, ``low`` and ``high`` (preferences for it in [0, 1], each the mean over
    a battle's verdicts; or scores), ``count``. ``attrs``: ``baseline``, ``coverage``, ``notes``.
    Raises as ``rank`` does.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    choices = valid(leaderboard.Choices, method=method, baseline=baseline)
    counted = services.distributions.distributions(database, benchmark, scope=scope, choices=choices)
    frame = frame_of(tables.distribution_rows(counted), tables.DISTRIBUTION_COLUMNS)
    frame.attrs = {"baseline": counted.board.baseline}
    frame.attrs["coverage"], frame.attrs["notes"] = coverage.told(counted.board.coverage).values()
    return frame


def history(
    database: Database, *, benchmark: str, judge: Names = (), all_judges: bool = False, category: str | None = None,
    language: str | None = None, common: bool = False, with_flagged: bool = False,
    method: leaderboard.Method = leaderboard.USUAL_METHOD, baseline: str | None = None, moments: int = 12,
) -> pd.DataFrame:  # fmt: skip
    """The leaderboard that ``rank`` gives as it was at up to so many ``moments``, by the verdicts that had come in.

    Returns: one row a moment and model: ``time`` (ISO 8601, UTC), ``verdicts`` (that had come in), ``model``,
    ``rating`` with ``lower`` and ``upper``, ``rank_lower``, ``rank_upper``. ``attrs``: ``scale``, ``baseline``,
    ``level``, ``without`` (why nothing was ranked, by time), ``coverage``, ``notes``.
    Raises as ``rank`` does.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    choices = valid(leaderboard.Choices, method=method, baseline=baseline)
    past = services.history.history(database, benchmark, scope=scope, choices=choices, most=moments)
    frame = frame_of(tables.history_rows(past), tables.HISTORY_COLUMNS)
    board = past.board
    frame.attrs = {"scale": board.scale, "baseline": board.baseline, "level": board.level}
    frame.attrs["without"] = {then.time: then.reason for then in past.moments if then.board is None}
    frame.attrs["coverage"], frame.attrs["notes"] = coverage.told(board.coverage).values()
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
    method: leaderboard.Method = leaderboard.USUAL_METHOD,
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
