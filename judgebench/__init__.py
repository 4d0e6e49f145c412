"""LLMs judge LLMs, and the judges are judged too.

>>> db = judgebench.open("my.db")
>>> judgebench.submit(db, "outputs.json", model="mine", benchmark="demo")
>>> judgebench.run(db, benchmark="demo", judge="embedded", baseline="theirs")
>>> judgebench.rank(db, benchmark="demo")

The functions live in ``judgebench.api`` and are loaded when first used, so that importing the package costs nothing.
What they raise on purpose is a ``JudgeBenchError``.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from judgebench.errors import JudgeBenchError as JudgeBenchError

__version__ = "0.1.0"

if TYPE_CHECKING:  # type checkers and editors see the functions where they are, and know a mistyped name
    from judgebench.api.asking import *  # noqa: F403
    from judgebench.api.boards import *  # noqa: F403
    from judgebench.api.data import *  # noqa: F403
    from judgebench.api.queueing import *  # noqa: F403
    from judgebench.api.submitting import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        """A function of the Python API, or ``__all__``; a module of the package is left to the import system."""
        if name != "__all__" and (name.startswith("_") or find_spec(f"{__name__}.{name}") is not None):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        api = import_module(f"{__name__}.api")
        if name not in ("__all__", *api.__all__):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(api, name)

    def __dir__() -> list[str]:
        return [*globals(), *import_module(f"{__name__}.api").__all__]
