"""Asks judges and models, and stores what they answer: ``engine.run.run(database, study, ...)``.

A module is loaded when it is first used, so that whoever needs one does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgebench.engine import adaptive, answer, batches, claims, judges, plan, run, runner

__all__ = ["adaptive", "answer", "batches", "claims", "judges", "plan", "run", "runner"]

if not TYPE_CHECKING:  # type checkers know a mistyped name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"{__name__}.{name}")
