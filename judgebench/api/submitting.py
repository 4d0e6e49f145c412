"""New models: submitted, and placed on a board."""

import os
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import pandas as pd

from judgebench import services
from judgebench.api.asking import waiting
from judgebench.api.data import Names, names_of
from judgebench.engine.runner import OnProgress
from judgebench.errors import InputError
from judgebench.formats.known import Known
from judgebench.formats.outputs import OutputsFile, gather_outputs, read_outputs
from judgebench.formats.reading import FRAME_NAME, read_frame
from judgebench.leaderboard.profiles import ProfileName
from judgebench.records import Lineage
from judgebench.services.placement import Bill, Placement, PlacementPlan
from judgebench.store.database import Database

__all__ = ["aplace", "estimate_place", "place", "standing", "submit"]


async def aplace(
    database: Database, *, model: Names, benchmark: str, judge: Names = (), template: str | None = None,
    repeats: int | None = None, max_cost: float | None = None, yes: bool = False,
    on_progress: OnProgress | None = None,
) -> Placement:  # fmt: skip
    """Have models whose outputs are stored judged as the benchmark's board was, against whom its study needs, and say
    where they land; no other models are compared anew, and calling it again continues.

    ``judge``: known ones, by name; where none is named that of the ``standing`` board, else the board's. One that has
    not judged the others ranks beside the judge that has. ``template`` makes another judge of each. ``repeats``: as in
    the board's study where None. ``max_cost``: USD of all judges together, 10 where a price is known and nothing is
    said. ``yes``: ask although it costs more than a dollar, or nobody knows what. ``on_progress`` as in ``run``.

    Raises UnknownName, InputError where there is no board or no consent, and JudgeError when a judge cannot be reached
    or refuses.
    """
    plan = services.placement.plan(
        database, benchmark, names_of(model), judges=names_of(judge), template=template, repeats=repeats,
        max_cost=max_cost,
    )  # fmt: skip
    return await _asking(database, plan, yes=yes, on_progress=on_progress)


place = waiting(aplace)


async def _asking(database: Database, plan: PlacementPlan, *, yes: bool, on_progress: OnProgress | None) -> Placement:
    services.placement.check_consent(services.placement.bill(services.placement.estimates(database, plan)), agreed=yes)
    return await services.placement.placing(database, plan, environment=dict(os.environ), on_progress=on_progress)


_ask = waiting(_asking)


def estimate_place(
    database: Database, *, model: Names, benchmark: str, judge: Names = (), template: str | None = None,
    repeats: int | None = None, max_cost: float | None = None,
) -> Bill:  # fmt: skip
    """What ``place`` would ask now with these arguments, of all judges together; nothing is asked.

    Raises InputError as ``place`` does.
    """
    plan = services.placement.plan(
        database, benchmark, names_of(model), judges=names_of(judge), template=template, repeats=repeats,
        max_cost=max_cost,
    )  # fmt: skip
    return services.placement.bill(services.placement.estimates(database, plan))


def standing(
    database: Database, benchmark: str, *, pool: Names = (), judge: str | None = None, baseline: str | None = None,
    profile: ProfileName | None = None, remove: bool = False,
) -> services.standing.StandingBoard | None:  # fmt: skip
    """Say by which ``judge``, against which ``baseline`` and among which ``pool`` of models a benchmark's new models
    are ranked, and by which ``profile`` they also get a benchmark's published numbers; then ``place`` and ``submit``
    need no judge. What is not said stays as it was; without anything said it is looked at. ``remove``: hold none.

    Returns: what the benchmark holds now, None where that is nothing.
    Raises UnknownName, and InputError where it cannot be held, as ``judgebench benchmarks standing`` does.
    """
    changed: dict[str, Any] = {"pool": names_of(pool), "judge": judge, "baseline": baseline, "profile": profile}
    if remove:
        if any(changed.values()):
            raise InputError("remove takes the standing board away: leave the others out")
        services.standing.remove(database, benchmark)
        return None
    if any(changed.values()):
        return services.standing.keep(database, benchmark, **changed)
    return services.standing.standing_board(database, benchmark)


def submit(
    database: Database, outputs: pd.DataFrame | str | PathLike[str], *, model: str, benchmark: str,
    columns: Mapping[str, str] | None = None, family: str | None = None, parent: str | None = None,
    trained_on: Names = (), accept_lineage: bool = False, extend: bool = False, new_benchmark: bool = False,
    dry_run: bool = False, audit: bool = True, accept_findings: bool = False, rank: bool = False,
    judge: str | None = None, max_cost: float | None = None, yes: bool = False, on_progress: OnProgress | None = None,
) -> services.submissions.MatchReport:  # fmt: skip
    """Audit a model's outputs, from a DataFrame or a file, one row an instruction, and store them.

    ``columns`` maps our field to the frame's or file's, e.g. ``{"instruction": "question"}``; docs/formats.md lists
    the usual names. ``family``, ``parent`` and ``trained_on`` declare where the model comes from; ``accept_lineage``
    declares what its name suggests instead. ``extend`` adds instructions that the benchmark lacks; ``new_benchmark``
    creates it although its name is hardly another's. ``dry_run`` reports and stores nothing. Submitting the same again
    adds nothing. ``accept_findings`` stores outputs in which the audit found something severe, by which leaderboards
    mark the model; without ``audit`` they call it unaudited. ``rank``: then ``place`` it, by ``judge``, up to
    ``max_cost``, with ``yes`` and ``on_progress`` as there; calling it again continues.

    Returns: how many instructions matched; its ``audit`` has what was found, after ``dry_run`` too, and its
    ``placement`` where the model landed.
    Raises InputError, naming the row and the field, or the severe findings, and Conflict; then nothing is stored. With
    ``rank`` also what ``place`` raises, when the outputs are stored.
    """
    plan = None
    if rank:
        if dry_run:
            raise InputError("dry_run stores nothing, so there is nothing to rank: leave it or rank out")
        judges = () if judge is None else (judge,)
        plan = services.placement.plan(database, benchmark, (model,), judges=judges, max_cost=max_cost)
    elif judge is not None or max_cost is not None or yes:
        raise InputError("judge, max_cost and yes are about asking a judge: add rank=True")
    declared = Lineage(family, parent, names_of(trained_on))
    if accept_lineage and declared == Lineage():
        declared = services.lineage.suggested(model)
    submission = _submission(outputs, columns, services.known.of(database, benchmark))
    prepared = services.submissions.prepare(
        database, submission, benchmark=benchmark, model=model, lineage=declared, extend=extend,
        new_benchmark=new_benchmark,
    )  # fmt: skip
    if audit:
        prepared = services.submissions.with_audit(database, prepared)
    if not dry_run:
        services.submissions.save(database, prepared, audit=audit, accept_findings=accept_findings)
    if plan is None:
        return prepared.report
    return replace(prepared.report, placement=_ask(database, plan, yes=yes, on_progress=on_progress))


def _submission(
    outputs: pd.DataFrame | str | PathLike[str], columns: Mapping[str, str] | None, known: Known
) -> OutputsFile:
    if isinstance(outputs, pd.DataFrame):
        return gather_outputs(read_frame(outputs), FRAME_NAME, columns=columns, known=known)
    return read_outputs(outputs, columns=columns, known=known)
