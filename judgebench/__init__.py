"""LLMs judge LLMs, and the judges are judged too.

>>> db = judgebench.open("my.db")
>>> judgebench.submit(db, "outputs.json", model="mine", benchmark="demo")
>>> judgebench.run(db, benchmark="demo", judge="embedded", baseline="theirs")
>>> judgebench.rank(db, benchmark="demo")

The functions live in ``judgebench.api`` and are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgebench.api import answer, battles, open, rank, run, settle, submit, verdicts
    from judgebench.bias.relatives import preference_leakage_score

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "answer",
    "battles",
    "open",
    "preference_leakage_score",
    "rank",
    "run",
    "settle",
    "submit",
    "verdicts",
]

_ELSEWHERE = {"preference_leakage_score": "bias.relatives"}  # all others are in api


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'api')}"), name)
