"""Standing boards: the judge, baseline and profile by which a benchmark's new models are ranked, and their pool."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.database import now, row_id
from judgebench.store.events import DELETED, KEPT, REMOVED, RENAMED, Event, events, record

KIND = "standing board"  # in the log of events, under the benchmark's name
_s, _p, _m = t.standing_boards.c, t.standing_models.c, t.models.c


@dataclass(frozen=True, slots=True)
class StandingBoard:
    """What new models of a benchmark are ranked by, and against whom."""

    pool: tuple[str, ...]  # models, by name, the baseline among them
    judge: str | None  # None: it was deleted
    baseline: str | None  # None: new models meet the whole pool
    profile: str | None  # a benchmark's whose numbers are computed besides; None: none
    changed_at: str  # ISO 8601, UTC
    lost: tuple[str, ...] = ()  # what of it was deleted since, such as "model 'gpt'"
    had_baseline: bool = False  # when it was kept
    partly: tuple[str, ...] = ()  # what of the profile's numbers its judge does not give


def standing_board(connection: sa.Connection, benchmark: int) -> StandingBoard | None:
    """None where the benchmark holds none."""
    query = (
        sa.select(t.judges.c.name.label("judge"), _m.name.label("baseline"), _s.profile, _s.changed_at)
        .select_from(t.standing_boards)
        .outerjoin(t.judges, t.judges.c.id == _s.judge_id)
        .outerjoin(t.models, _m.id == _s.baseline_id)
        .where(_s.benchmark_id == benchmark)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    names = sa.select(_m.name).join(t.standing_models, _p.model_id == _m.id).where(_p.benchmark_id == benchmark)
    pool = tuple(connection.scalars(names.order_by(_m.name)))
    return StandingBoard(pool, row.judge, row.baseline, row.profile, row.changed_at, *_since(connection, benchmark))


def keep_standing_board(
    connection: sa.Connection,
    benchmark: int,
    *,
    pool: Sequence[str],
    judge: str,
    baseline: str | None,
    profile: str | None,
) -> None:
    """In place of the one before. Raises UnknownName."""
    _delete(connection, benchmark)
    models = {name: row_id(connection, t.models, "model", name) for name in dict.fromkeys(pool)}
    board = {
        "benchmark_id": benchmark,
        "judge_id": row_id(connection, t.judges, "judge", judge),
        "baseline_id": None if baseline is None else row_id(connection, t.models, "model", baseline),
        "profile": profile,
        "changed_at": now(),
    }
    connection.execute(sa.insert(t.standing_boards).values(board))
    rows = [{"benchmark_id": benchmark, "model_id": model} for model in models.values()]
    connection.execute(sa.insert(t.standing_models), rows)
    about = {"pool": sorted(models), "judge": judge, "baseline": baseline, "profile": profile}
    record(connection, KEPT, KIND, _name(connection, benchmark), about)


def remove_standing_board(connection: sa.Connection, benchmark: int) -> bool:
    """Whether there was one."""
    removed = _delete(connection, benchmark)
    if removed:
        record(connection, REMOVED, KIND, _name(connection, benchmark), {})
    return removed


def holding(connection: sa.Connection, kind: str, row: int) -> list[str]:
    """The benchmarks, by name, whose standing board holds this model or judge, by its id."""
    boards = sa.select(_s.benchmark_id).where(_s.judge_id == row)
    if kind == "model":
        boards = sa.select(_p.benchmark_id).where(_p.model_id == row)
    query = sa.select(t.benchmarks.c.name).where(t.benchmarks.c.id.in_(boards))
    return list(connection.scalars(query.order_by(t.benchmarks.c.name)))


def _delete(connection: sa.Connection, benchmark: int) -> bool:
    connection.execute(sa.delete(t.standing_models).where(_p.benchmark_id == benchmark))
    return connection.execute(sa.delete(t.standing_boards).where(_s.benchmark_id == benchmark)).rowcount > 0


def _name(connection: sa.Connection, benchmark: int) -> str:
    return str(connection.scalar(sa.select(t.benchmarks.c.name).where(t.benchmarks.c.id == benchmark)))


def _since(connection: sa.Connection, benchmark: int) -> tuple[tuple[str, ...], bool]:
    """By the log: what of it was deleted since it was kept, and whether it had a baseline then."""
    name, later = _name(connection, benchmark), list[Event]()
    for event in events(connection, actions=(KEPT, RENAMED, DELETED)):
        if event.action == KEPT and (event.kind, event.name) == (KIND, name):
            held = {("model", model) for model in event.details["pool"]} | {("judge", event.details["judge"])}
            gone = tuple(f"{kind} {gone!r}" for kind, gone in _deleted(held, reversed(later)))
            return gone, event.details["baseline"] is not None
        if event.action == RENAMED and event.kind == "benchmark" and event.details["new"] == name:
            name = event.name
        later.append(event)
    return (), False  # copied without its log


def _deleted(held: set[tuple[str, str]], later: Iterable[Event]) -> Iterator[tuple[str, str]]:
    """Kinds and names of those that were deleted, in that order."""
    for event in later:
        if (event.kind, event.name) not in held:
            continue
        held.discard((event.kind, event.name))
        if event.action == DELETED:
            yield event.kind, event.name
        else:
            held.add((event.kind, event.details["new"]))
