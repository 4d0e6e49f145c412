"""What a token for some benchmarks may name, and is told: what these hold. The rest is to it as what nobody has.

It goes by what things are, and never by how texts read: names that are sent are looked up among those of its benchmarks
before anything else is done, and of what is stored it gets what is about these, without where judges are reached.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgebench import store
from judgebench.errors import JudgeBenchError, UnknownName
from judgebench.services.access import Forbidden
from judgebench.services.jobs import Job
from judgebench.store.database import Database

_MODELS = ("model", "models", "first", "second", "baseline", "opponent", "model_a", "model_b", "pairs")
_JUDGES = ("judge", "judges")
_ASKED = ("judge", "generator")  # in what a job was asked for: who is asked, and where


def told(database: Database, error: JudgeBenchError, benchmarks: Sequence[str]) -> str:
    """The words of an error; names that may be meant instead of an unknown one are of these ``benchmarks``."""
    if not isinstance(error, UnknownName):
        return str(error)
    with database.read() as connection:
        known = {
            "benchmark": benchmarks,
            "model": store.scopes.models_of(connection, benchmarks),
            "judge": store.scopes.judges_of(connection, benchmarks),
            "job": (),
        }
    return str(error.among(known[error.kind]) if error.kind in known else error)


def check_fields(
    database: Database, benchmarks: Sequence[str], fields: Mapping[str, Any], *, new_models: bool = False
) -> None:
    """Raises UnknownName for a model or judge that these ``benchmarks`` do not hold, whether others do or nobody, and
    Forbidden for a judge that is described; nothing where ``benchmarks`` are all, which is none named.

    ``new_models``: models may be named that nobody has. What is no name is refused elsewhere.
    """
    if not benchmarks:
        return
    if any(isinstance(fields.get(field), Mapping) for field in _JUDGES):
        raise Forbidden(
            "judge: name one that was asked on these benchmarks, or that their standing board names, by its name "
            "alone: judges are of all benchmarks, and this token is for some"
        )
    models = [] if new_models else [*_names(fields, _MODELS)]
    judges = [*_names(fields, _JUDGES)]
    with database.read() as connection:
        held = {
            "model": (models, store.scopes.models_of(connection, benchmarks) if models else []),
            "judge": (judges, store.scopes.judges_of(connection, benchmarks) if judges else []),
        }
    for kind, (names, known) in held.items():
        for name in names:
            if name not in known:
                raise UnknownName(kind, name, known).among(known)


def _names(fields: Mapping[str, Any], chosen: Sequence[str]) -> Iterator[str]:
    """What these fields name, be it in lists."""
    for field in chosen:
        yield from _texts(fields.get(field))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def asked_for(job: Job) -> dict[str, Any]:
    """What a job was asked for, with whoever is asked by name alone: where they are is of all benchmarks."""
    return {name: _by_name(value, job.subject) for name, value in job.specification.items()}


def _by_name(value: Any, subject: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: subject if name in _ASKED else inner for name, inner in value.items()}
