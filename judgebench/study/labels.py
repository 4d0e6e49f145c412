"""Storing what people say about battles: one vote, or a file of them."""

import math
from collections.abc import Sequence

from judgebench.errors import InputError
from judgebench.records import HumanLabel
from judgebench.store import labels, reader
from judgebench.store.database import Database
from judgebench.store.writer import Stored
from judgebench.study.submit import check_name


def vote(database: Database, benchmark: str, label: HumanLabel) -> bool:
    """Store one person's label; False where the very same was stored before.

    ``HumanLabel.of`` makes one from what was shown first and second.
    Raises UnknownName for a benchmark, instruction or output that is not there, InputError for an unusable label, and
    Conflict where this person has said something else about the pair.
    """
    return add_labels(database, benchmark, [label]).new == 1


def add_labels(database: Database, benchmark: str, given: Sequence[HumanLabel]) -> Stored:
    """Store labels on outputs that the benchmark has, all or none. Raises as ``vote`` does."""
    for label in given:
        _check(label)
    with database.write() as connection:
        return labels.add_labels(connection, reader.benchmark_id(connection, benchmark), given)


def _check(label: HumanLabel) -> None:
    check_name("annotator", label.annotator)
    if not label.model_a < label.model_b:
        raise InputError(
            f"a label's models stand in the order of their names, {label.model_b!r} before {label.model_a!r}: "
            "make it by HumanLabel.of"
        )
    if not math.isfinite(label.preference) or not 0 <= label.preference <= 1:
        raise InputError(f"a label's preference lies in [0, 1], not {label.preference}")
    if label.both_bad and label.preference != 0.5:
        raise InputError("both outputs are bad only where neither is preferred: preference 0.5")
