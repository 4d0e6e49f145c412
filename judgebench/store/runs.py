"""Write 1: benchmarks, instructions, models, outputs, judges and runs.

Every function works in the transaction of the connection it is given, so that a submission is stored whole or not at
all. What is stored is never changed: storing the same thing again is nothing, storing something else under the same
identity raises Conflict.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from judgebench import __version__
from judgebench.store import schema as t
from judgebench.store.database import insert, now


def start_run(
    connection: sa.Connection, *, benchmark_id: int, judge_id: int, kind: str, specification: Mapping[str, Any]
) -> int:
    """The id of a new run; ``kind`` is "run" or "import"."""
    return insert(
        connection,
        t.runs,
        benchmark_id=benchmark_id,
        judge_id=judge_id,
        kind=kind,
        specification=json.dumps(specification, sort_keys=True),
        version=__version__,
        started_at=now(),
    )


def finish_run(connection: sa.Connection, run_id: int) -> None:
    connection.execute(sa.update(t.runs).where(t.runs.c.id == run_id).values(finished_at=now()))
