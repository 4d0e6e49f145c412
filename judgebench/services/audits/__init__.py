"""Audits of judges, of submissions and of verdicts: run them, keep their reports, read these again.

A module is loaded when it is first used, so that whoever needs one does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgebench.services.audits import (
        defences,
        estimates,
        integrity,
        null_models,
        registry,
        results,
        robustness,
        stage,
        submissions,
    )

__all__ = [
    "defences", "estimates", "integrity", "null_models", "registry", "results", "robustness", "stage", "submissions",
]  # fmt: skip

if not TYPE_CHECKING:  # type checkers know a mistyped name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"{__name__}.{name}")
