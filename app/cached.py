"""What pages read, kept for as long as nothing new is stored.

Every function takes the ``Source`` that a page got at its beginning, so that one page never mixes two states.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import streamlit as st

from judgebench import services
from judgebench.services.labels import Compared
from judgebench.services.pages import (
    AgreementReport,
    BattleFilter,
    BattleSummary,
    BiasReport,
    Card,
    Choices,
    Counterfactuals,
    Database,
    InputError,
    Judge,
    Leaderboard,
    PairRates,
    StoredAudit,
    parse_address,
)  # fmt: skip
from judgebench.services.scope import Scope

ADDRESS_VARIABLE = "JUDGEBENCH_DATABASE_URL"
_DEFAULT_ADDRESS = "judgebench.db"


@dataclass(frozen=True, slots=True)
class Source:
    """A database in the state that it had when a page began."""

    address: str
    file: tuple[int, int] | None  # device and inode of an SQLite file: another one there is another database
    version: tuple[int, ...]  # see services.benchmarks.version


def address(environment: Mapping[str, str] = os.environ) -> str:
    return environment.get(ADDRESS_VARIABLE) or _DEFAULT_ADDRESS


def source() -> Source:
    """The database as it is now. Raises InputError where there is none, and DatabaseError where it cannot be read."""
    at = address()
    file = _file(at)
    return Source(at, file, services.benchmarks.version(_database(at, file)))


@st.cache_data(max_entries=20, show_spinner=False)
def benchmarks(source: Source) -> list[services.benchmarks.BenchmarkSummary]:
    return services.benchmarks.benchmarks(_of(source))


@st.cache_data(max_entries=100, show_spinner=False)
def judge_at_hand(source: Source, benchmark: str) -> str:
    """The name of a judge in this program that takes what the benchmark holds."""
    return "scripted:coin" if services.benchmarks.has_conversations(_of(source), benchmark) else "embedded"


@st.cache_data(max_entries=100, show_spinner="Ranking")
def leaderboard(source: Source, benchmark: str, scope: Scope, *, choices: Choices) -> Leaderboard:
    """Raises what ``services.leaderboards.leaderboard`` raises."""
    return services.leaderboards.leaderboard(_of(source), benchmark, scope=scope, choices=choices)


@st.cache_data(max_entries=50, show_spinner="Ranking without it")
def moves(
    source: Source, benchmark: str, controls: tuple[services.bias.Without, ...], *, scope: Scope, baseline: str | None
) -> Counterfactuals:
    """Raises what ``services.bias.moves`` raises."""
    return services.bias.moves(_of(source), benchmark, controls, scope=scope, baseline=baseline)


@st.cache_data(max_entries=100, show_spinner=False)
def tallies(
    source: Source, benchmark: str, judges: tuple[str, ...], category: str | None
) -> dict[str, services.leaderboards.Tally]:
    return services.leaderboards.tallies(_of(source), benchmark, judges, category=category)


@st.cache_data(max_entries=20, show_spinner=False)
def languages(source: Source, benchmark: str) -> list[str]:
    return services.leaderboards.languages(_of(source), benchmark)


@st.cache_data(max_entries=100, show_spinner=False)
def matrix(source: Source, benchmark: str, scope: Scope) -> PairRates:
    """Raises what ``services.leaderboards.matrix`` raises."""
    return services.leaderboards.matrix(_of(source), benchmark, scope=scope)


@st.cache_data(max_entries=4, show_spinner=False)
def runs(source: Source) -> list[services.benchmarks.RunSummary]:
    return services.benchmarks.runs(_of(source))


@st.cache_data(max_entries=200, show_spinner="Searching")
def battles(
    source: Source, benchmark: str, chosen: BattleFilter, *, limit: int, offset: int
) -> tuple[list[BattleSummary], int]:
    return services.battles.battles(_of(source), benchmark, chosen, limit=limit, offset=offset)


@st.cache_data(max_entries=20, show_spinner=False)
def battle_judges(source: Source, benchmark: str) -> tuple[str, ...]:
    return services.battles.judges(_of(source), benchmark)


@st.cache_data(max_entries=100, show_spinner=False)
def battle(
    source: Source, benchmark: str, instruction: str, model_a: str, model_b: str
) -> services.battles.JudgedBattle:
    """Raises UnknownName."""
    return services.battles.battle(_of(source), benchmark, instruction, model_a, model_b)


@st.cache_data(max_entries=20, show_spinner="Weighing")
def bias(source: Source, benchmark: str, scope: Scope) -> BiasReport:
    """Raises what ``services.bias.bias`` raises."""
    return services.bias.bias(_of(source), benchmark, scope=scope)


@st.cache_data(max_entries=20, show_spinner="Comparing")
def agreement(source: Source, benchmark: str, scope: Scope) -> AgreementReport:
    """Raises what ``services.agreement.agreement`` raises."""
    return services.agreement.agreement(_of(source), benchmark, judges=scope.judges, category=scope.category)


@st.cache_data(max_entries=50, show_spinner="Grading")
def card(source: Source, judge: str, benchmark: str) -> Card:
    """Raises what ``services.cards.card`` raises."""
    return services.cards.card(_of(source), judge, benchmark=benchmark)


@st.cache_data(max_entries=20, show_spinner=False)
def judges(source: Source) -> list[Judge]:
    return services.judges.judges(_of(source))


@st.cache_data(max_entries=20, show_spinner=False)
def audits(source: Source, benchmark: str) -> list[StoredAudit]:
    return services.audits.results.audits(_of(source), benchmark)


@st.cache_data(max_entries=20, show_spinner=False)
def unaudited(source: Source, benchmark: str, models: tuple[str, ...]) -> tuple[str, ...]:
    return services.audits.results.unaudited(_of(source), benchmark, models)


def next_pair(
    source: Source, benchmark: str, voter: str, skipped: Sequence[Compared]
) -> services.labels.PairToLabel | None:
    """Drawn anew at every call, of those ``skipped`` when no other is left. Raises UnknownName."""
    return services.labels.next_pair(_of(source), benchmark, voter, skipped=skipped)


@st.cache_data(max_entries=50, show_spinner=False)
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
    """The database, created where there is none."""
    with closing(Database(address(), create=True)) as database:
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
