"""What pages read, kept for as long as nothing new is stored.

Every function takes the ``Source`` that a page got at its beginning, so that one page never mixes two states.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.caching.cache_utils import CachedFunc

from app import auth, later
from judgebench import services
from judgebench.services.jobs import Job, JobKind
from judgebench.services.labels import Compared
from judgebench.services.leaderboards import Beside
from judgebench.services.pages import (
    AgreementReport,
    BattleFilter,
    BattleSummary,
    BiasReport,
    Card,
    Choices,
    Copy,
    Counterfactuals,
    Database,
    InputError,
    Instruction,
    Judge,
    JudgeBoard,
    Leaderboard,
    Output,
    PairRates,
    Resampling,
    StoredAudit,
    VotersReport,
    parse_address,
    templates,
)  # fmt: skip
from judgebench.services.scope import Scope
from judgebench.show.board_page import board_page

_Arguments = ParamSpec("_Arguments")
_Value = TypeVar("_Value")
ADDRESS_VARIABLE = "JUDGEBENCH_DATABASE_URL"
_DEFAULT_ADDRESS = "judgebench.db"
_JOBS = 100  # the newest


@dataclass(frozen=True, slots=True)
class Source:
    """A database in the state that it had when a page began."""

    address: str
    file: tuple[int, int] | None  # device and inode of an SQLite file: another one there is another database
    version: tuple[int, ...]  # see services.benchmarks.version


# How arguments are told apart: by their words, which say all of them. Streamlit would look into each.
_BY_WORDS: dict[str | type[Any], Callable[[Any], Any]] = dict.fromkeys(
    (Source, Scope, Choices, BattleFilter, services.placement.PlacementPlan), repr
)


def _kept(
    max_entries: int, show_spinner: bool | str = False
) -> Callable[[Callable[_Arguments, _Value]], CachedFunc[_Arguments, _Value]]:
    """Shared by all pages, which change nothing of it: a copy for each took a tenth of a page's time."""
    return st.cache_resource(max_entries=max_entries, show_spinner=show_spinner, hash_funcs=_BY_WORDS)


def address(environment: Mapping[str, str] = os.environ) -> str:
    return environment.get(ADDRESS_VARIABLE) or _DEFAULT_ADDRESS


def source() -> Source:
    """The database as it is now. Raises InputError where there is none, and DatabaseError where it cannot be read."""
    at = address()
    file = _file(at)
    return Source(at, file, services.benchmarks.version(_database(at, file)))


@_kept(20)
def benchmarks(source: Source) -> list[services.benchmarks.BenchmarkSummary]:
    return services.benchmarks.benchmarks(_of(source))


@_kept(100)
def judge_at_hand(source: Source, benchmark: str) -> str:
    """The name of a judge in this program that takes what the benchmark holds."""
    return "scripted:coin" if services.benchmarks.has_conversations(_of(source), benchmark) else "embedded"


@_kept(100, "Ranking")
def leaderboard(source: Source, benchmark: str, scope: Scope, *, choices: Choices) -> Leaderboard:
    """Raises what ``services.leaderboards.leaderboard`` raises."""
    return services.leaderboards.leaderboard(_of(source), benchmark, scope=scope, choices=choices)


@_kept(50, "Ranking without it")
def moves(
    source: Source, benchmark: str, controls: tuple[services.bias.Without, ...], *, scope: Scope, baseline: str | None
) -> Counterfactuals:
    """Raises what ``services.bias.moves`` raises."""
    return services.bias.moves(_of(source), benchmark, controls, scope=scope, baseline=baseline)


@_kept(100)
def beside(source: Source, benchmark: str, scope: Scope, *, choices: Choices) -> Beside:
    """Beside its rows; length-controlled win rates take some seconds, see ``with_controlled``."""
    board = services.leaderboards.leaderboard(_of(source), benchmark, scope=scope, choices=choices)
    return services.leaderboards.beside(_of(source), benchmark, board, scope=scope, controlled=False)


@_kept(100)
def with_controlled(source: Source, benchmark: str, scope: Scope, *, choices: Choices) -> later.Later[Beside]:
    """The same with length-controlled win rates, for whoever begins to have them computed."""
    database, known = _of(source), beside(source, benchmark, scope, choices=choices)
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=choices)
    whole = partial(services.leaderboards.with_controlled, database, benchmark, board, known, scope=scope)
    return later.Later(whole, otherwise=known)


@_kept(100)
def standing(source: Source, benchmark: str) -> services.standing.StandingBoard | None:
    """None where the benchmark holds no standing board."""
    return services.standing.standing_board(_of(source), benchmark)


@_kept(100, "Reading its battles")
def profile(source: Source, benchmark: str, model: str, scope: Scope, *, choices: Choices) -> services.profiles.Profile:
    """Without styles, which are read when they are shown. Raises what ``services.profiles.profile`` raises."""
    return services.profiles.profile(_of(source), benchmark, model, scope=scope, choices=choices, styled=False)


@_kept(50, "Reading its outputs")
def styles(
    source: Source, benchmark: str, model: str, category: str | None, *, level: float
) -> tuple[services.styles.StyleLine, ...]:
    """Raises UnknownName for a model without outputs there."""
    return services.styles.styles(_of(source), benchmark, model, category=category, level=level)


@_kept(50, "Reckoning by category")
def categories(
    source: Source, benchmark: str, scope: Scope, *, choices: Choices, models: tuple[str, ...] = ()
) -> services.part_rates.CategoryRates:
    """Raises what ``services.part_rates.category_rates`` raises."""
    return services.part_rates.category_rates(_of(source), benchmark, scope=scope, choices=choices, models=models)


@_kept(20, "Counting")
def distributions(
    source: Source, benchmark: str, scope: Scope, *, choices: Choices
) -> services.distributions.Distributions:
    """Raises what ``services.distributions.distributions`` raises."""
    return services.distributions.distributions(_of(source), benchmark, scope=scope, choices=choices)


@_kept(20, "Ranking by the verdicts of earlier times")
def history(source: Source, benchmark: str, scope: Scope, *, choices: Choices) -> services.history.History:
    """Raises what ``services.history.history`` raises."""
    return services.history.history(_of(source), benchmark, scope=scope, choices=choices)


@_kept(50, "Comparing")
def comparison(source: Source, benchmark: str, first: str, second: str, scope: Scope) -> services.profiles.Comparison:
    """Raises what ``services.profiles.compare`` raises."""
    return services.profiles.compare(_of(source), benchmark, first, second, scope=scope)


@_kept(50)
def on_instruction(
    source: Source, benchmark: str, instruction: str, scope: Scope
) -> dict[str, services.profiles.MeanVerdict]:
    """Raises what ``services.profiles.on_instruction`` raises."""
    return services.profiles.on_instruction(_of(source), benchmark, instruction, scope=scope)


@_kept(50)
def answered(source: Source, benchmark: str, instruction: str) -> services.battles.AnsweredInstruction:
    """Raises UnknownName."""
    return services.battles.answered(_of(source), benchmark, instruction)


@_kept(200)
def goals_on(source: Source, benchmark: str, instruction: str) -> tuple[services.goals.GoalReading, ...]:
    """The goals that judges listed of every dialogue of it. Raises UnknownName."""
    return services.goals.on_instruction(_of(source), benchmark, instruction)


@_kept(50)
def goal_judges(source: Source, benchmark: str) -> tuple[str, ...]:
    """Those who have listed goals there, by name. Raises UnknownName."""
    return services.goals.judges(_of(source), benchmark)


@_kept(20, "Counting")
def goals(source: Source, benchmark: str, choice: services.goals.GoalChoice) -> services.goals.GoalReport:
    """Raises what ``services.goals.goals`` raises."""
    return services.goals.goals(_of(source), benchmark, choice)


@_kept(50)
def step_judges(source: Source, benchmark: str) -> tuple[str, ...]:
    """Those who judged steps of outputs, or places in them, by name. Raises UnknownName."""
    return services.steps.judge_names(_of(source), benchmark)


@_kept(20, "Counting")
def steps(
    source: Source,
    benchmark: str,
    judge: str | None,
    annotator: str | None,
    category: str | None,
    models: tuple[str, ...],
) -> services.steps.StepReport:
    """Raises what ``services.steps.steps`` raises."""
    return services.steps.steps(
        _of(source), benchmark, judge=judge, annotator=annotator, category=category, models=models
    )


@_kept(50)
def hindsight_judges(source: Source, benchmark: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those who were not shown what happened afterwards, and those who were. Raises UnknownName."""
    return services.hindsight.judges(_of(source), benchmark)


@_kept(20, "Comparing")
def hindsight(
    source: Source, benchmark: str, judge: str, informed: str, category: str | None
) -> services.hindsight.Hindsight:
    """Raises what ``services.hindsight.hindsight`` raises."""
    return services.hindsight.hindsight(_of(source), benchmark, judge=judge, informed=informed, category=category)


@_kept(200)
def steps_on(source: Source, benchmark: str, instruction: str) -> tuple[services.steps.StepReading, ...]:
    """What judges say of the steps of every output to it. Raises UnknownName."""
    return services.steps.on_instruction(_of(source), benchmark, instruction)


@_kept(400)
def outputs_of(source: Source, benchmark: str, instruction: str, model: str) -> tuple[Output, ...]:
    """The model's samples to it. Raises UnknownName."""
    return tuple(services.battles.answered(_of(source), benchmark, instruction, [model]).samples.get(model, ()))


@_kept(20)
def seen(source: Source, benchmark: str, places: tuple[services.seen.Place, ...]) -> services.seen.Seen:
    """The outputs there, with what stands beside them."""
    return services.seen.outputs(_of(source), benchmark, places)


def seen_images(source: Source, seen: services.seen.Seen) -> Mapping[str, Copy]:
    """Copies of the images that they hold, by digest, as many as a page has."""
    return services.seen.images(_of(source), seen)


def images(source: Source, instruction: Instruction, outputs: Sequence[Output]) -> Mapping[str, Copy]:
    """Copies of the images that they hold, by digest, as many as a page has; services keep those that were made."""
    digests = services.images.image_digests(instruction, outputs)
    return services.images.copies(_of(source), digests) if digests else {}


@_kept(10)
def page(source: Source, benchmark: str, scope: Scope, *, choices: Choices) -> str:
    """The leaderboard as one HTML file, with battles."""
    database = _of(source)
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=choices)
    about = services.leaderboards.beside(database, benchmark, board, scope=scope)
    battles = services.battles.upsets(database, benchmark, board.judges, category=scope.category)
    rates = services.part_rates.category_rates(database, benchmark, scope=scope, choices=choices)
    return board_page(benchmark, board, about, rates, battles, services.images.of_battles(database, battles))


@_kept(20)
def languages(source: Source, benchmark: str) -> list[str]:
    return services.leaderboards.languages(_of(source), benchmark)


@_kept(100)
def matrix(source: Source, benchmark: str, scope: Scope) -> PairRates:
    """Raises what ``services.leaderboards.matrix`` raises."""
    return services.leaderboards.matrix(_of(source), benchmark, scope=scope)


@_kept(4)
def runs(source: Source) -> list[services.benchmarks.RunSummary]:
    return services.benchmarks.runs(_of(source))


def jobs(kinds: tuple[JobKind, ...], benchmark: str | None = None) -> list[Job]:
    """As they are now, the newest first; none where there is no database yet."""
    with for_checking() as database:
        return services.jobs.jobs(database, kinds=kinds, benchmark=benchmark, most=_JOBS)


def clock() -> datetime:
    """Now, as jobs and runs are dated."""
    with for_checking() as database:
        return services.jobs.clock(database)


@_kept(4)
def events(
    source: Source, *, actors: tuple[str, ...], actions: tuple[str, ...], skip: int, most: int
) -> list[services.upkeep.Event]:
    """Raises what ``services.upkeep.events`` raises."""
    return services.upkeep.events(_of(source), actors=actors, actions=actions, skip=skip, most=most)


@_kept(4)
def event_numbers(source: Source) -> dict[tuple[str, str], int]:
    return services.upkeep.event_numbers(_of(source))


def tokens() -> tuple[list[services.tokens.Token], dict[str, str]]:
    """As they are now, when each was used too, and who made each, by its name; none where there is no database yet."""
    with for_checking() as database:
        return services.tokens.tokens(database), services.tokens.makers(database)


@_kept(200, "Searching")
def battles(
    source: Source, benchmark: str, chosen: BattleFilter, *, limit: int, offset: int
) -> tuple[list[BattleSummary], int]:
    return services.battles.battles(_of(source), benchmark, chosen, limit=limit, offset=offset)


@_kept(20)
def battle_judges(source: Source, benchmark: str) -> tuple[str, ...]:
    return services.battles.judges(_of(source), benchmark)


@_kept(100)
def battle(
    source: Source, benchmark: str, instruction: str, model_a: str, model_b: str
) -> services.battles.JudgedBattle:
    """Raises UnknownName."""
    return services.battles.battle(_of(source), benchmark, instruction, model_a, model_b)


@_kept(20, "Weighing")
def bias(source: Source, benchmark: str, scope: Scope) -> BiasReport:
    """Raises what ``services.bias.bias`` raises."""
    return services.bias.bias(_of(source), benchmark, scope=scope)


@_kept(20, "Comparing")
def agreement(source: Source, benchmark: str, scope: Scope) -> AgreementReport:
    """Raises what ``services.agreement.agreement`` raises."""
    return services.agreement.agreement(_of(source), benchmark, judges=scope.judges, category=scope.category)


@_kept(50, "Grading")
def card(source: Source, judge: str, benchmark: str) -> Card:
    """Raises what ``services.cards.card`` raises."""
    return services.cards.card(_of(source), judge, benchmark=benchmark)


@_kept(20, "Evaluating")
def judge_board(source: Source, benchmark: str) -> JudgeBoard | None:
    """None where the benchmark is none of judges. Raises StatisticsError where no judge was asked about its pairs."""
    database = _of(source)
    if services.judge_benchmarks.told_profile(database, benchmark) is None:
        return None
    return services.judge_benchmarks.evaluate_judges(database, benchmark)


@_kept(20)
def judges(source: Source) -> list[Judge]:
    return services.judges.judges(_of(source))


@_kept(4)
def undeclared(source: Source) -> list[services.lineage.Undeclared]:
    return services.lineage.undeclared(_of(source))


@_kept(20)
def askable(source: Source) -> list[str]:
    """Judges of whom it is known how to ask them."""
    return [known.judge.name for known in services.judges.known_judges(_of(source)) if known.spec is not None]


@_kept(1)
def template_names() -> list[str]:
    return [template.id for template in templates()]


@_kept(50)
def placement_plan(
    source: Source,
    benchmark: str,
    models: tuple[str, ...],
    judges: tuple[str, ...],
    template: str | None,
    repeats: int | None,
    max_cost: float | None,
) -> services.placement.PlacementPlan:
    """Raises what ``services.placement.plan`` raises."""
    return services.placement.plan(
        *(_of(source), benchmark, models),
        judges=judges,
        given={"template": template},
        design={"repeats": repeats},
        max_cost=max_cost,
    )


@_kept(50, "Ranking")
def placement(source: Source, plan: services.placement.PlacementPlan) -> services.placement.Placement:
    return services.placement.placement(_of(source), plan)


@_kept(20)
def audits(source: Source, benchmark: str) -> list[StoredAudit]:
    return services.audits.results.audits(_of(source), benchmark)


@_kept(20)
def unaudited(source: Source, benchmark: str, models: tuple[str, ...]) -> tuple[str, ...]:
    return services.audits.results.unaudited(_of(source), benchmark, models)


@_kept(50)
def questions(source: Source, benchmark: str) -> dict[str, int]:
    """How many labels there are on each question that people were asked."""
    return services.labels.questions(_of(source), benchmark)


@_kept(20, "Comparing")
def voters(source: Source, benchmark: str, question: str) -> VotersReport:
    """Raises what ``services.voters.voters`` raises."""
    return services.voters.voters(_of(source), benchmark, question=question, how=Resampling(resamples=100))


@_kept(20, "Ranking")
def two_boards(
    source: Source, benchmark: str, scope: Scope, question: str, *, choices: Choices
) -> services.voters.TwoBoards:
    """Raises what ``services.voters.two_boards`` raises."""
    return services.voters.two_boards(_of(source), benchmark, scope=scope, question=question, choices=choices)


@_kept(4, "Looking")
def contamination(source: Source, benchmark: str) -> services.contamination.Contamination:
    """Everywhere but in files. Raises UnknownName."""
    return services.contamination.contamination(_of(source), benchmark)


def next_pair(
    source: Source, benchmark: str, voter: str, skipped: Sequence[Compared]
) -> services.labels.PairToLabel | None:
    """Drawn anew at every call, of those ``skipped`` when no other is left. Raises UnknownName."""
    return services.labels.next_pair(_of(source), benchmark, voter, skipped=skipped)


@_kept(50)
def voting_progress(source: Source, benchmark: str, voter: str) -> services.labels.Progress:
    return services.labels.progress(_of(source), benchmark, voter)


@contextmanager
def for_checking() -> Iterator[Database]:
    """The database to check a submission against; where there is none yet, an empty one that is never stored."""
    at = address()
    try:
        known = _database(at, _file(at))
    except InputError:
        with closing(Database(":memory:", create=True)) as empty:
            yield empty
    else:
        yield known


@contextmanager
def for_storing() -> Iterator[Database]:
    """The database, created where there is none, for what whoever looks at the page does."""
    with closing(Database(address(), create=True, actor=auth.person().name)) as database:
        yield database


def _of(source: Source) -> Database:
    return _database(source.address, source.file)


@st.cache_resource(max_entries=4, show_spinner=False, on_release=Database.close)
def _database(address: str, file: tuple[int, int] | None) -> Database:
    return Database(address)


def _file(address: str) -> tuple[int, int] | None:
    path = parse_address(address).database
    if path is None or not os.path.exists(path):
        return None
    status = os.stat(path)
    return status.st_dev, status.st_ino
