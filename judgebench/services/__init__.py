"""What the command line, the app, Python and reports call, by noun: ``services.battles.battles(database, ...)``.

A module is loaded when it is first used, so that whoever needs one does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgebench.services import (
        access,
        agreement,
        answers,
        audits,
        battles,
        benchmark_runs,
        benchmarks,
        bias,
        cards,
        contamination,
        exports,
        gaps,
        goals,
        hindsight,
        images,
        imports,
        jobs,
        judge_benchmarks,
        judges,
        known,
        label_files,
        labels,
        leaderboards,
        lineage,
        merging,
        placement,
        profiles,
        published,
        repeats,
        scope,
        scopes,
        seen,
        standing,
        steps,
        submissions,
        tokens,
        upkeep,
        versions,
        voters,
        worker,
    )

__all__ = [
    "access",
    "agreement",
    "answers",
    "audits",
    "battles",
    "benchmark_runs",
    "benchmarks",
    "bias",
    "cards",
    "contamination",
    "distributions",
    "exports",
    "gaps",
    "goals",
    "hindsight",
    "history",
    "images",
    "imports",
    "jobs",
    "judge_benchmarks",
    "judges",
    "known",
    "label_files",
    "labels",
    "leaderboards",
    "lineage",
    "merging",
    "part_rates",
    "placement",
    "profiles",
    "published",
    "repeats",
    "scope",
    "scopes",
    "seen",
    "standing",
    "steps",
    "styles",
    "submissions",
    "tokens",
    "upkeep",
    "versions",
    "voters",
    "worker",
]

if not TYPE_CHECKING:  # type checkers know a mistyped name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"{__name__}.{name}")
