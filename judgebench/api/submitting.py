"""New models: submitted, and placed on a board."""

import os
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from judgebench import services
from judgebench.api.asking import Urls, Workers, waiting
from judgebench.api.data import Names, names_of
from judgebench.engine.runner import OnProgress
from judgebench.errors import InputError
from judgebench.formats.known import Known
from judgebench.formats.local_images import with_local_images
from judgebench.formats.outputs import OutputsFile, gather_outputs, read_outputs
from judgebench.formats.reading import FRAME_NAME, read_frame
from judgebench.leaderboard.profiles import ProfileName
from judgebench.records import Lineage
from judgebench.services.placement import Bill, Placement, PlacementPlan
from judgebench.spec.addresses import as_given
from judgebench.store.database import Database

__all__ = ["aplace", "estimate_place", "place", "standing", "submit"]


async def aplace(
    database: Database, *, model: Names, benchmark: str, judge: Names = (), template: str | None = None,
    repeats: int | None = None, judge_url: Urls = None, judge_key_env: str | None = None, same_judge: bool = False,
    ray: Workers = None, concurrency: int | None = None, max_cost: float | None = None, yes: bool = False,
    on_progress: OnProgress | None = None,
) -> Placement:  # fmt: skip
    """Have models whose outputs are stored judged as the benchmark's board was, against whom its study needs, and say
    where they land; no other models are compared anew, and calling it again continues.

    ``judge``: known ones, by name; where none is named that of the ``standing`` board, else the board's. One that has
    not judged the others ranks beside the judge that has. ``template`` makes another judge of each. ``repeats``: as in
    the board's study where None. ``max_cost``: USD of all judges together, 10 where a price is known and nothing is
    said. ``yes``: ask although it costs more than a dollar, or nobody knows what. ``judge_url``, ``judge_key_env`` and
    ``same_judge``, of one judge, ``ray``, ``concurrency`` and ``on_progress`` as in ``run``.

    Raises UnknownName, InputError where there is no board or no consent, and JudgeError when a judge cannot be reached
    or refuses.
    """
    plan = services.placement.plan(
        database, benchmark, names_of(model), judges=names_of(judge), max_cost=max_cost,
        given=_where(judge_url, judge_key_env, ray, same_judge) | {"template": template},
        design={"repeats": repeats, "concurrency": concurrency},
    )  # fmt: skip
    return await _asking(database, plan, yes=yes, on_progress=on_progress)


place = waiting(aplace)


def _where(url: Urls, key_env: str | None, ray: Workers, same_judge: bool) -> dict[str, Any]:
    """Fields of a judge that were given."""
    fields = {"url": as_given(url), "key_env": key_env, "ray": ray, "same_judge": same_judge or None}
    return {name: value for name, value in fields.items() if value is not None}


async def _asking(database: Database, plan: PlacementPlan, *, yes: bool, on_progress: OnProgress | None) -> Placement:
    estimates = services.placement.estimates(database, plan)
    services.placement.check_consent(services.placement.bill(estimates), agreed=yes)
    environment = dict(os.environ)
    return await services.placement.placing(database, plan, estimates, environment=environment, on_progress=on_progress)


_ask = waiting(_asking)


def estimate_place(
    database: Database, *, model: Names, benchmark: str, judge: Names = (), template: str | None = None,
    repeats: int | None = None, judge_url: Urls = None, judge_key_env: str | None = None, same_judge: bool = False,
    ray: Workers = None, concurrency: int | None = None, max_cost: float | None = None,
) -> Bill:  # fmt: skip
    """What ``place`` would ask now with these arguments, of all judges together; nothing is asked.

    Raises InputError as ``place`` does.
    """
    plan = services.placement.plan(
        database, benchmark, names_of(model), judges=names_of(judge), max_cost=max_cost,
        given=_where(judge_url, judge_key_env, ray, same_judge) | {"template": template},
        design={"repeats": repeats, "concurrency": concurrency},
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
    judge: str | None = None, judge_url: Urls = None, judge_key_env: str | None = None, same_judge: bool = False,
    ray: Workers = None, concurrency: int | None = None, max_cost: float | None = None, yes: bool = False,
    on_progress: OnProgress | None = None,
) -> services.submissions.MatchReport:  # fmt: skip
    """Audit a model's outputs, from a DataFrame or a file, one row an instruction, and store them.

    ``columns`` maps our field to the frame's or file's, e.g. ``{"instruction": "question"}``; docs/formats.md lists
    the usual names. ``family``, ``parent`` and ``trained_on`` declare where the model comes from; ``accept_lineage``
    declares what its name suggests instead. ``extend`` adds instructions that the benchmark lacks; ``new_benchmark``
    creates it although its name is hardly another's. ``dry_run`` reports and stores nothing. Submitting the same again
    adds nothing. ``accept_findings`` stores outputs in which the audit found something severe, by which leaderboards
    mark the model; without ``audit`` they call it unaudited. ``rank``: then ``place`` it, by ``judge``, up to
    ``max_cost``, with ``yes``, ``judge_url``, ``ray`` and the others as there; calling it again continues.

    Returns: how many instructions matched; its ``audit`` has what was found, after ``dry_run`` too, and its
    ``placement`` where the model landed.
    Raises InputError, naming the row and the field, or the severe findings, and Conflict; then nothing is stored. With
    ``rank`` also what ``place`` raises, when the outputs are stored.
    """
    plan, where, pace = None, _where(judge_url, judge_key_env, ray, same_judge), {"concurrency": concurrency}
    if rank:
        if dry_run:
            raise InputError("dry_run stores nothing, so there is nothing to rank: leave it or rank out")
        judges = () if judge is None else (judge,)
        plan = services.placement.plan(
            database, benchmark, (model,), judges=judges, max_cost=max_cost, given=where, design=pace
        )
    elif where or any(value is not None for value in (judge, max_cost, concurrency)) or yes:
        raise InputError("judge, max_cost, yes, and where and how fast it is asked, are about asking: add rank=True")
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
        rows = (with_local_images(row, Path()) for row in read_frame(outputs))
        return gather_outputs(rows, FRAME_NAME, columns=columns, known=known)
    return read_outputs(outputs, columns=columns, known=known)
