"""A benchmark's standing board: the pool, judge, baseline and profile by which new models are ranked.

``services.placement`` follows it where nobody names a judge.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from judgebench import store
from judgebench.engine.judges import resolve
from judgebench.errors import InputError, UnknownName
from judgebench.leaderboard.profiles import BenchmarkProfile, profile_named
from judgebench.services.audits.results import model_gates
from judgebench.services.benchmark_runs import no_baseline
from judgebench.services.placement import board_of, spec_of
from judgebench.services.scope import Scope
from judgebench.store.database import Connection, Database
from judgebench.store.standing import StandingBoard

__all__ = ["StandingBoard", "keep", "remove", "standing_board"]


def standing_board(database: Database, benchmark: str) -> StandingBoard | None:
    """None where the benchmark holds none. Raises UnknownName."""
    with database.read() as connection:
        board = store.standing.standing_board(connection, store.benchmarks.benchmark_id(connection, benchmark))
    return board if board is None else replace(board, partly=_partly(database, benchmark, board))


def _partly(database: Database, benchmark: str, board: StandingBoard) -> tuple[str, ...]:
    """What of its profile's numbers cannot be computed of its judge's verdicts, in words."""
    if board.profile is None or board.judge is None:
        return ()
    with suppress(InputError):  # a judge that cannot be asked any more gives nothing, as ``placement`` says
        kind = resolve(spec_of(database, benchmark, board.judge)).template.kind
        return profile_named(board.profile).not_given(kind, board.judge)
    return ()


def keep(
    database: Database,
    benchmark: str,
    *,
    pool: Sequence[str] = (),
    judge: str | None = None,
    baseline: str | None = None,
    profile: str | None = None,
    anew: bool = False,
) -> StandingBoard:
    """Have the benchmark hold this; what is not said stays as it was, or is not held if ``anew``. Nothing is asked.

    ``pool``: models with outputs; where none are named and none were, those that the judge's board ranks.
    ``baseline``: whom new models meet; where it is None and was, the profile's, else they meet the whole pool.

    Raises UnknownName, and InputError where there is no judge, it cannot be asked or does not judge as the profile
    counts, nobody is in the pool, or an audit flagged somebody there.
    """
    before = None if anew else standing_board(database, benchmark)
    if before is not None:
        judge, baseline, profile = judge or before.judge, baseline or before.baseline, profile or before.profile
    if judge is None:
        raise InputError("a standing board has a judge: name one by --judge that was added or ran before")
    kind = resolve(spec_of(database, benchmark, judge)).template.kind
    how = None if profile is None else profile_named(profile)
    if how is not None and ("scores" if kind == "pointwise" else "pairwise") not in how.reads:
        raise InputError(f"judge {judge!r} is {kind}, which {how.label} does not count: name another judge or profile")
    if kind == "pointwise" and baseline is not None:
        raise InputError(f"judge {judge!r} scores outputs one by one: leave the baseline out")
    names = [*(pool or (before.pool if before is not None else ()) or _ranked(database, benchmark, judge))]
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        present = store.benchmarks.model_names(connection, benchmark_id)
        if how is not None and baseline is None and kind == "pairwise":
            baseline = _usual_baseline(how, present)
        names = [*dict.fromkeys([*names, *([] if baseline is None else [baseline])])]
        _check_pool(connection, benchmark, names, present)
        store.standing.keep_standing_board(
            connection, benchmark_id, pool=names, judge=judge, baseline=baseline, profile=profile
        )
    kept = standing_board(database, benchmark)
    if kept is None:
        raise InputError(f"the standing board of {benchmark!r} was removed meanwhile")
    return kept


def remove(database: Database, benchmark: str) -> None:
    """Raises UnknownName, and InputError where the benchmark holds none."""
    with database.write() as connection:
        if not store.standing.remove_standing_board(connection, store.benchmarks.benchmark_id(connection, benchmark)):
            raise InputError(f"benchmark {benchmark!r} holds no standing board: there is nothing to remove")


def _ranked(database: Database, benchmark: str, judge: str) -> list[str]:
    """Raises InputError where the judge ranks nobody."""
    try:
        return [row.model for row in board_of(database, benchmark, Scope(judges=(judge,))).ranked]
    except InputError as error:
        raise InputError(f"name the models of the pool by --pool: {error}") from error


def _usual_baseline(how: BenchmarkProfile, present: Sequence[str]) -> str | None:
    """The profile's; None where it has none. Raises InputError where it has several, or one without outputs."""
    if not how.baselines:
        return None
    if len(how.baselines) > 1:
        raise InputError(f"{how.label} has a baseline a category, and a standing board one: name it by --baseline")
    usual = how.baselines_of(None)
    known = next((name for name in usual if name in present), None)
    if known is None:
        raise no_baseline(how, usual[0], present)
    return known


def _check_pool(connection: Connection, benchmark: str, names: Sequence[str], present: Sequence[str]) -> None:
    """Raises UnknownName for a model without outputs, and InputError for one that an audit flagged."""
    for name in names:
        if name not in present:
            raise UnknownName(f"model with outputs in {benchmark!r}", name, present)
    flagged = [gate for gate in model_gates(connection, benchmark, names) if gate.state == "flagged"]
    if flagged:
        marks = ", ".join(f"{gate.model!r} ({gate.mark})" for gate in flagged)
        raise InputError(f"an audit flagged {marks}: a pool is of models that count, leave it out")
