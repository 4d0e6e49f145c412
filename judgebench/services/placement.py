"""New models on a benchmark's board: what must be asked so that they stand there, what that takes, where they land.

Where the benchmark holds a standing board and nobody names a judge, they are judged by its judge, against its baseline
or its pool, and ranked among the pool. Else they are judged as the board was: by its judge with the settings that are
stored, in the orders and repeats of its study, against its baseline or all that it ranks. No other two models are
compared anew. A judge that has not judged these ranks beside the judge that has, which ``PlacementPlan.beside`` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from shlex import quote
from typing import Any, TypeVar

import numpy as np

from judgebench import engine, services, store
from judgebench.clients.providers import price_of
from judgebench.counts import count
from judgebench.engine.judges import ResolvedJudge, find_judge, resolve
from judgebench.engine.plan import CostEstimate
from judgebench.engine.run import RunReport
from judgebench.engine.runner import OnProgress, silent
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices, Leaderboard, Row
from judgebench.leaderboard.profiles import profile_named
from judgebench.leaderboard.published.board import PublishedBoard, ScoringChoices
from judgebench.services.scope import Scope, scoped_scores, scoped_verdicts
from judgebench.spec import JudgeSpec, Study, make
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import VerdictTable, compared_outputs
from judgebench.store.database import Database
from judgebench.store.standing import StandingBoard

CAP_USD = 10.0  # that may be spent where nobody said how much
CONSENT_USD = 1.0  # above which, or where the cost is not known, whoever asks must agree
_ANY_SCALE = Choices(margin=0.0)  # scores are only counted
_DESIGN = ("orders", "repeats", "seed", "limit", "category", "reask")  # of the board's study, taken over
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class PlacementPlan:
    """What must be asked so that new models stand on a board."""

    benchmark: str
    models: tuple[str, ...]  # the new ones
    studies: tuple[Study, ...]  # one a judge
    judges: tuple[str, ...]  # whose verdicts rank
    beside: tuple[str, ...]  # of them, those who judged the others and are not asked; empty: all are asked
    baseline: str | None
    opponents: tuple[str, ...]  # whom each new model meets; empty where outputs are scored
    others: int  # models that the board ranks besides
    templates: tuple[str, ...] = ()  # of each study, by name
    unlike: tuple[tuple[str, ...], ...] = ()  # of each study, in what it is not as the board was judged
    pool: tuple[str, ...] = ()  # of the standing board that it follows, as far as it ranks; empty: it follows none
    profile: str | None = None  # of the standing board: a benchmark's whose numbers are computed besides
    notes: tuple[str, ...] = ()  # what of the standing board does not count, and why
    flagged: tuple[str, ...] = ()  # of the new ones: an audit of what is stored found them out, so they get no rank

    @property
    def scope(self) -> Scope:
        """Of the board on which they land."""
        return Scope(judges=self.judges, models=(*self.pool, *self.models) if self.pool else ())


@dataclass(frozen=True, slots=True)
class Charge:
    """What asking one judge would take. Tokens are characters / 4."""

    judge: str
    calls: int
    decided: int  # trials that get a verdict without a call: identical outputs, and what is known of other benchmarks
    prompt_tokens: int
    reply_tokens: int | None  # as in the judge's last replies, else as many as its settings allow; None: not known
    at_most: bool  # whether the judge has not replied yet, so that replies are counted as long as its settings allow
    has_price: bool  # without one nobody knows what calls cost, and no limit in USD holds
    cost_usd: float | None  # of prompts and replies; None: the price, or the length of replies, is not known
    seconds: float | None  # None: the judge has not replied yet
    max_cost: float | None  # USD that may be spent; None: no limit


@dataclass(frozen=True, slots=True)
class Bill:
    """What asking would take, by judge and of all together. None: not known of one of them."""

    charges: tuple[Charge, ...]  # one a judge

    @property
    def calls(self) -> int:
        return sum(charge.calls for charge in self.charges)

    @property
    def decided(self) -> int:
        return sum(charge.decided for charge in self.charges)

    @property
    def prompt_tokens(self) -> int:
        return sum(charge.prompt_tokens for charge in self.charges)

    @property
    def reply_tokens(self) -> int | None:
        return _sum(charge.reply_tokens for charge in self.charges)

    @property
    def at_most(self) -> bool:
        return any(charge.at_most for charge in self.charges)

    @property
    def cost_usd(self) -> float | None:
        return _sum(charge.cost_usd for charge in self.charges)

    @property
    def known_usd(self) -> float:
        """Of the judges of whom it is known."""
        return sum(charge.cost_usd or 0.0 for charge in self.charges)

    @property
    def seconds(self) -> float | None:
        return _sum(charge.seconds for charge in self.charges)

    @property
    def max_cost(self) -> float | None:
        """USD that may be spent by all judges for which a limit holds; None: it holds for none."""
        limits = [charge.max_cost for charge in self.charges if charge.max_cost is not None]
        return sum(limits) if limits else None

    @property
    def needs_consent(self) -> bool:
        """Whether whoever asks must agree before anything is asked."""
        return bool(self.calls) and (self.cost_usd is None or self.cost_usd > CONSENT_USD)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where new models landed."""

    plan: PlacementPlan
    board: Leaderboard | None  # None: no board can be made, as ``reason`` says
    reason: str
    reports: tuple[RunReport, ...]  # one a judge that was asked
    published: PublishedBoard | None = None  # the numbers of the plan's profile; None: it has none, or they cannot be

    @property
    def rows(self) -> tuple[Row, ...]:
        """Of the new models, the best first."""
        rows = () if self.board is None else self.board.rows
        return tuple(row for row in rows if row.model in self.plan.models)

    @property
    def calls(self) -> int:
        return sum(report.calls for report in self.reports)

    @property
    def pending(self) -> int:
        """Trials that were not asked: it was stopped, or the cap was reached."""
        return sum(report.tally.pending for report in self.reports)


def plan(
    database: Database,
    benchmark: str,
    models: Sequence[str],
    *,
    judges: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    design: Mapping[str, Any] | None = None,
    max_cost: float | None = None,
) -> PlacementPlan:
    """Of models whose outputs need not be stored yet; nothing is written or asked.

    ``judges``: known ones by name; none: the board's. ``given``: fields laid over what is remembered of them, such as
    addresses, of one judge alone, workers, and a template, which makes others of them. ``design``: fields of the
    studies, laid over those of the board's study. Of both, None: not said. ``max_cost``: USD, shared evenly by the
    judges with a price, as it holds for no other; None: CAP_USD.

    Raises UnknownName, and InputError where there is no board, nobody to meet, a judge that cannot be asked, or a limit
    that holds for none; of a standing board also where its judge or baseline is gone, that flagged, or nobody judged.
    """
    models, judges = (tuple(dict.fromkeys(names)) for names in (models, judges))
    given = {name: value for name, value in (given or {}).items() if value is not None}
    more = {name: value for name, value in (design or {}).items() if value is not None}
    if not judges and "template" not in given:
        with database.read() as connection:
            known = store.benchmarks.benchmark_id(connection, benchmark)
            standing = store.standing.standing_board(connection, known)
        if standing is not None:
            return _on_standing(database, benchmark, models, standing, more, max_cost=max_cost, given=given)
    board = board_of(database, benchmark, Scope(judges=(_usual_judge(database, benchmark, models),)))
    _check_given(given, judges or board.judges)
    resolved = [resolve(spec_of(database, benchmark, name, given)) for name in judges or board.judges]
    names = tuple(dict.fromkeys(judge.judge.name for judge in resolved))
    rivals = [row.model for row in board.ranked if row.model not in models]
    beside = () if all(_has_judged(database, benchmark, name, rivals) for name in names) else board.judges
    ranking = tuple(dict.fromkeys((*beside, *names)))
    if not beside and names != board.judges:
        board = board_of(database, benchmark, Scope(judges=names))
        rivals = [row.model for row in board.ranked if row.model not in models]
    if not rivals:
        raise InputError(f"the board of {benchmark!r} ranks nobody else: have other models judged by judgebench run")
    if board.baseline in models:
        raise InputError(f"{board.baseline!r} is the board's baseline, which all others meet: it has its place")
    scored = board.scale == "score"
    opponents = () if scored else (board.baseline,) if board.baseline is not None else tuple(rivals)
    check_cap([judge.spec for judge in resolved], max_cost)
    sharing = sum(judge.spec.price is not None for judge in resolved)
    studies, unlike = [], []
    for judge in resolved:
        planned = _design(database, benchmark, [judge.judge.name, *board.judges]) | {"benchmark": benchmark} | more
        planned["max_cost"] = cap_of(judge.spec, max_cost, sharing=max(sharing, 1))
        studies.append(_study(judge, models, opponents, planned))
        is_its = judge.judge.name in board.judges
        usual = _design(database, benchmark, [judge.judge.name, *board.judges] if is_its else board.judges)
        unlike.append((*(() if is_its else ("judge",)), *_differing(planned, usual, scored=scored)))
    others = tuple(name for name in ranking if name not in names)
    return PlacementPlan(
        *(benchmark, tuple(models), tuple(studies), ranking, others, board.baseline, opponents, len(rivals)),
        templates=tuple(judge.template.name for judge in resolved),
        unlike=tuple(unlike),
        flagged=services.audits.results.flagged(database, benchmark, models),
    )


def _on_standing(
    database: Database,
    benchmark: str,
    models: Sequence[str],
    standing: StandingBoard,
    more: dict[str, Any],
    *,
    max_cost: float | None,
    given: Mapping[str, Any],
) -> PlacementPlan:
    """By the standing board. ``more``: fields of the study. Raises InputError as ``plan`` does."""
    again = f"judgebench benchmarks standing {benchmark}"
    if standing.judge is None:
        raise InputError(f"the judge of the standing board of {benchmark!r} was deleted: {again} --judge JUDGE")
    if standing.baseline is None and standing.had_baseline:
        raise InputError(f"the baseline of the standing board of {benchmark!r} was deleted: {again} --baseline MODEL")
    if standing.baseline in models:
        raise InputError(f"{standing.baseline!r} is the board's baseline, which all others meet: it has its place")
    judge = resolve(spec_of(database, benchmark, standing.judge, given))
    flagged = services.audits.results.flagged(database, benchmark, standing.pool)
    if standing.baseline in flagged:
        raise InputError(
            f"an audit flagged {standing.baseline!r}, the baseline of the standing board of {benchmark!r}: {again} "
            "--baseline MODEL"
        )
    honest = tuple(name for name in standing.pool if name not in flagged)
    table = _table(database, benchmark, Scope(judges=(standing.judge,), models=honest))
    judged = set() if table is None else _models(table)
    rivals = [name for name in honest if name in judged and name not in models]
    if not {*rivals} - {standing.baseline}:
        if not {*honest} - {standing.baseline, *models}:
            raise InputError(
                f"beside {', '.join(models)} and its baseline nobody is in the pool of the standing board of "
                f"{benchmark!r}, so that there is nobody to rank with: {again} --pool MODEL,MODEL,..."
            )
        raise InputError(
            f"judge {standing.judge!r} has judged nobody of the pool of the standing board of {benchmark!r}: first "
            f"judgebench run --benchmark {benchmark} --judge {standing.judge} --models {','.join(honest)} "
            + ("--all-pairs" if standing.baseline is None else f"--baseline {standing.baseline}")
        )
    scored = judge.template.kind == "pointwise"
    opponents = () if scored else (standing.baseline,) if standing.baseline is not None else tuple(rivals)
    usual = _design(database, benchmark, [standing.judge])
    design = usual | {"benchmark": benchmark} | more
    if standing.profile is not None and not scored:
        design["orders"] = profile_named(standing.profile).orders
    check_cap([judge.spec], max_cost)
    study = _study(judge, models, opponents, design | {"max_cost": cap_of(judge.spec, max_cost)})
    left = [name for name in honest if name not in rivals and name not in models]
    notes = [f"{', '.join(standing.lost)} deleted since it was set"] if standing.lost else []
    if standing.profile is not None:
        notes += profile_named(standing.profile).not_given(judge.template.kind, standing.judge)
    notes += [f"an audit flagged {', '.join(sorted(flagged))}, left out"] if flagged else []
    notes += [f"{standing.judge} has not judged {', '.join(left)}, left out"] if left else []
    return PlacementPlan(
        *(benchmark, tuple(models), (study,), (standing.judge,), (), standing.baseline, opponents, len(rivals)),
        templates=(judge.template.name,),
        unlike=(tuple(_differing(design, usual, scored=scored)),),
        pool=tuple(rivals),
        profile=standing.profile,
        notes=tuple(notes),
        flagged=services.audits.results.flagged(database, benchmark, models),
    )


def _differing(design: Mapping[str, Any], usual: Mapping[str, Any], *, scored: bool) -> Iterable[str]:
    """In what a study is designed unlike the usual one; drawing orders by another seed is no other way of judging."""
    for name in _DESIGN:
        default = Study.model_fields[name].default
        is_of_pairs = name == "orders" and scored
        if name != "seed" and not is_of_pairs and design.get(name, default) != usual.get(name, default):
            yield name


def cap_of(judge: JudgeSpec, max_cost: float | None, *, sharing: int = 1) -> float | None:
    """USD that may be spent on a judge, of ``max_cost`` which so many judges share; CAP_USD of what has a price where
    nobody said how much. None: no limit."""
    if judge.price is None and (max_cost is None or judge.url is not None):
        return None
    return (CAP_USD if max_cost is None else max_cost) / sharing


def check_cap(judges: Sequence[JudgeSpec], max_cost: float | None) -> None:
    """Raises InputError where a limit is wanted and can hold for none of the judges."""
    if max_cost is not None and all(cap_of(judge, max_cost) is None for judge in judges):
        names = ", ".join(repr(judge.name or judge.model) for judge in judges)
        raise InputError(
            f"no limit in USD can hold: no price is stored with {names}. Leave the limit out, or say what a million "
            "tokens cost where the judge is named or added"
        )


def board_of(database: Database, benchmark: str, scope: Scope, *, baseline: str | None = None) -> Leaderboard:
    """By preferences, or by scores where there are none but these. Raises InputError where there is no board."""
    try:
        return services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=Choices(baseline=baseline))
    except (InputError, StatisticsError) as error:
        try:
            return services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=Choices(method="score"))
        except (InputError, StatisticsError):
            raise InputError(f"benchmark {benchmark!r} has no board to rank on: {error}") from error


def _check_given(given: Mapping[str, Any], judges: Sequence[str]) -> None:
    """Raises InputError for addresses of one judge that would be those of several."""
    if len(judges) > 1 and "url" in given:
        raise InputError(
            f"an address is one judge's, and {', '.join(judges)} are to be asked: name one of them, or have their "
            "addresses remembered by judgebench judges add"
        )


def spec_of(database: Database, benchmark: str, name: str, given: Mapping[str, Any] | None = None) -> JudgeSpec:
    """``given``: fields laid over those that are remembered. Raises UnknownName, and InputError where it is not known
    how to ask the judge.
    """
    try:
        known = services.judges.known_judge(database, name)
    except UnknownName as error:
        error.advise(
            f"a judge that is new here first judges the board: judgebench run --benchmark {quote(benchmark)} --judge "
            f"{quote(name)} --all-pairs"
        )
        raise
    if known.spec is None:
        raise InputError(
            f"judge {name!r} was imported, and nobody knows how to ask it: name a judge that was added or has run "
            "(judgebench judges lists them), and it ranks beside what was imported"
        )
    return find_judge(database, {**(given or {}), "model": name}, is_name=True)


def _usual_judge(database: Database, benchmark: str, models: Sequence[str]) -> str:
    """The one with most verdicts on others than ``models``, as of the board without them. Raises InputError."""
    table = _table(database, benchmark, Scope(all_judges=True))
    if table is None:
        raise InputError(f"benchmark {benchmark!r} has no board to rank on: have other models judged by judgebench run")
    others = table.among([name for name in table.models if name not in models])
    counts, all_counts = (np.bincount(those.judge, minlength=len(table.judges)) for those in (others, table))
    # The latter where the others met nobody but the models: not a judge who is in the table by name alone.
    ranks = zip((-counts).tolist(), (-all_counts).tolist(), table.judges, strict=True)
    return min(ranks)[-1]


def _has_judged(database: Database, benchmark: str, judge: str, rivals: Sequence[str]) -> bool:
    """Whether this judge has judged most of the models that the board ranks, by themselves or against each other."""
    if judge not in services.benchmarks.benchmark(database, benchmark).judges:
        return False
    table = _table(database, benchmark, Scope(judges=(judge,), with_flagged=True))
    if table is None:
        return False
    present = [name for name in rivals if name in table.models]
    return 2 * len(_models(table.among(present))) > len(rivals)


def _table(database: Database, benchmark: str, scope: Scope) -> VerdictTable | ScoreTable | None:
    """Preferences, or scores where there are none but these; None where there is neither. Raises UnknownName."""
    with database.read() as connection:
        with suppress(StatisticsError):
            return scoped_verdicts(connection, benchmark, scope).counted
        with suppress(StatisticsError):
            scores = scoped_scores(connection, benchmark, scope, _ANY_SCALE).counted
            return scores if len(scores) else None
    return None


def _models(table: VerdictTable | ScoreTable) -> set[str]:
    """With a verdict."""
    sides = (table.model,) if isinstance(table, ScoreTable) else (table.model_a, table.model_b)
    return {table.models[code] for code in np.unique(np.concatenate(sides)).tolist()}


def _study(judge: ResolvedJudge, models: Sequence[str], opponents: Sequence[str], fields: Mapping[str, Any]) -> Study:
    """Of one judge; ``opponents``: none where outputs are scored. Raises InputError."""
    if (judge.template.kind == "pointwise") == bool(opponents):
        raise InputError(
            f"judge {judge.judge.name!r} cannot stand on this board: one of the two scores outputs, the other compares"
        )
    if opponents:
        meetings = [(model, other) for model in models for other in opponents]
        among = [] if len(opponents) == 1 else combinations(models, 2)
        fields = {**fields, "pairs": [*meetings, *among]}
    else:
        fields = {name: value for name, value in fields.items() if name not in ("orders", "seed")} | {"models": models}
    return make(Study, {**fields, "judge": judge.spec}, where="placement")


def _design(database: Database, benchmark: str, judges: Sequence[str]) -> dict[str, Any]:
    """Orders, repeats and so on of the widest study of the first of ``judges`` that has one on the benchmark; where all
    were imported, the orders in which battles are stored. Raises nothing."""
    with database.read() as connection:
        for judge in judges:
            studies = [
                study
                for _, _, study in store.runs.specifications(connection, judge)
                if study.get("benchmark") == benchmark and study.get("design", "fixed") == "fixed"
            ]
            if studies:
                widest = max(studies, key=_width)
                return {name: widest[name] for name in _DESIGN if name in widest}
        return {"orders": _stored_orders(database, benchmark, judges)}


def _width(study: Mapping[str, Any]) -> tuple[bool, float]:
    """How many instructions a study takes."""
    return study.get("category") is None, study.get("limit") or float("inf")


def _stored_orders(database: Database, benchmark: str, judges: Sequence[str]) -> str:
    """Whether most battles were judged in both orders, or in one."""
    with database.read() as connection:
        known = {*store.verdicts.judge_names(connection, store.benchmarks.benchmark_id(connection, benchmark))}
        named = tuple(name for name in judges if name in known)
        table = scoped_verdicts(connection, benchmark, Scope(judges=named)).table
    pairs = compared_outputs(table)
    both = np.unique(np.stack([pairs, table.order]), axis=1).shape[1]
    return "both" if 2 * both > 3 * len(np.unique(pairs)) else "random"


def estimates(database: Database, plan: PlacementPlan) -> list[CostEstimate]:
    """What each study would ask now; the models' outputs are stored by then. Raises InputError."""
    return [engine.plan.estimate(database, study) for study in plan.studies]


def unfinished(estimates: Iterable[CostEstimate]) -> list[CostEstimate]:
    """Those of judges that have something to do, if without a call, or have given no verdict on something."""
    return [estimate for estimate in estimates if _is_unfinished(estimate)]


def _is_unfinished(estimate: CostEstimate) -> bool:
    return estimate.answered < estimate.plan.trials or bool(estimate.without_verdict)


def bill(estimates: Sequence[CostEstimate]) -> Bill:
    return Bill(tuple(_charge(estimate) for estimate in estimates))


def _sum(numbers: Iterable[_Number | None]) -> _Number | None:
    """None where one of them is."""
    known = list(numbers)
    present = [number for number in known if number is not None]
    return sum(present[1:], start=present[0]) if present and len(present) == len(known) else None


def _charge(estimate: CostEstimate) -> Charge:
    judge, replies = estimate.plan.resolved.judge, estimate.reply_tokens
    longest = judge.settings.get("max_tokens")
    if not estimate.calls:
        replies = 0
    elif replies is None and isinstance(longest, int):
        replies = estimate.calls * longest
    price = price_of(estimate.plan.study.judge)
    if not estimate.calls:
        cost: float | None = 0.0
    elif price is None or (replies is None and price.completion):
        cost = None
    else:
        cost = (price.prompt * estimate.prompt_tokens + price.completion * (replies or 0)) / 1e6
    return Charge(
        judge=judge.name,
        calls=estimate.calls,
        decided=estimate.taken_over + estimate.identical,
        prompt_tokens=estimate.prompt_tokens,
        reply_tokens=replies,
        at_most=estimate.reply_tokens is None and bool(estimate.calls),
        has_price=price is not None,
        cost_usd=cost,
        seconds=estimate.seconds,
        max_cost=estimate.plan.study.max_cost,
    )


def check_consent(bill: Bill, *, agreed: bool) -> None:
    """Raises InputError where whoever asks must agree first, and has not."""
    if agreed or not bill.needs_consent:
        return
    what = (
        "cost what nobody knows, as a judge has no price" if bill.cost_usd is None else f"cost {bill.cost_usd:.2f} USD"
    )
    raise InputError(
        f"nothing was asked: {count(bill.calls, 'call')} {what}. If they are wanted, say so (--yes, yes=True). "
        "The outputs are stored, and the same continues from there"
    )


async def placing(
    database: Database,
    plan: PlacementPlan,
    counted: Sequence[CostEstimate] | None = None,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress | None = None,
) -> Placement:
    """Ask each judge what it has not answered yet; the first interrupt ends it. Calling it again continues.
    ``counted``: the plan's ``estimates``, where they were made before.

    Raises InputError, and JudgeError when a judge cannot be reached or refuses; what came before stays stored.
    """
    reports: list[RunReport] = []
    counted = estimates(database, plan) if counted is None else counted
    for study in (one for one, estimate in zip(plan.studies, counted, strict=True) if _is_unfinished(estimate)):
        watch = on_progress or silent
        reports.append(await engine.run.running(database, study, environment=environment, on_progress=watch))
        if reports[-1].interrupted:
            break
    return placement(database, plan, reports)


def placement(database: Database, plan: PlacementPlan, reports: Sequence[RunReport] = ()) -> Placement:
    """Where the models stand by what is stored now."""
    try:
        board = board_of(database, plan.benchmark, plan.scope, baseline=plan.baseline if plan.pool else None)
    except InputError as error:
        return Placement(plan, None, str(error), tuple(reports))
    missing = [name for name in plan.models if name not in {row.model for row in board.rows}]
    reason = f"no verdict about {', '.join(missing)}" if missing else ""
    return Placement(plan, board, reason, tuple(reports), _published(database, plan))


def _published(database: Database, plan: PlacementPlan) -> PublishedBoard | None:
    """By the profile of the standing board, of the same models; None where it has none, or the verdicts none of its
    numbers."""
    if plan.profile is None:
        return None
    with suppress(InputError, StatisticsError):
        choices = ScoringChoices(plan.profile, plan.baseline)
        return services.published.published_board(database, plan.benchmark, choices, scope=plan.scope)
    return None
