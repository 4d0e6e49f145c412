"""What replies cost, by the models that they are about."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.blocks import BLOCK, number_columns
from judgebench.store.events import Kept
from judgebench.store.verdicts import every_revision, newest_id

_About = tuple[int, int, str | None, int]  # ids of judge and benchmark, category of the instruction, id of the model
_KEPT = Kept[int, Mapping[_About, float]]()  # by block
_c, _o, _i = t.completions.c, t.outputs.c, t.instructions.c
_PARTS = sa.select(_i.id, _i.benchmark_id, _i.category)


def costs(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> dict[str, float]:
    """USD of the replies about each model, as far as prices were known; a battle's cost counts for both its models.

    Every reply counts once, also one that was asked again, and one that was read again.
    """
    priced = sa.select(_c.id).where(_c.cost_usd.is_not(None)).limit(1)
    if connection.scalar(priced) is None:
        return {}
    chosen = {*connection.scalars(sa.select(t.judges.c.id).where(t.judges.c.name.in_(judges)))}
    names = {row.id: row.name for row in connection.execute(sa.select(t.models.c.id, t.models.c.name))}
    spent: dict[str, float] = {}
    for sums in _blocks(connection):
        for (judge, of, about, model), cost in sums.items():
            if of == benchmark and (not judges or judge in chosen) and category in (None, about):
                spent[names[model]] = spent.get(names[model], 0.0) + cost
    return spent


def _blocks(connection: sa.Connection) -> Iterator[Mapping[_About, float]]:
    """What each block of verdicts adds. Verdicts are appended: what a full block adds is kept."""
    kept = _KEPT.of(connection)
    full = newest_id(connection) // BLOCK
    missing = [block for block in range(full + 1) if block not in kept]
    outputs = _Outputs(connection) if missing else None
    for block in range(full + 1):
        sums = kept[block] if outputs is None or block in kept else outputs.sums(connection, block)
        if block < full:
            kept[block] = sums
        yield sums


class _Outputs:
    """What every output is about. The engine joins one output a verdict much slower than arrays do."""

    def __init__(self, connection: sa.Connection) -> None:
        kinds = [np.dtype("<i8")] * 3
        ids, instruction, model = number_columns(connection, sa.select(_o.id, _o.instruction_id, _o.model_id), kinds)
        parts = {row.id: (row.benchmark_id, row.category) for row in connection.execute(_PARTS)}
        self._parts = list(dict.fromkeys(parts.values()))
        code = {part: number for number, part in enumerate(self._parts)}
        instructions = np.array(sorted(parts), dtype=np.int64)
        of_instruction = np.array([code[parts[place]] for place in sorted(parts)], dtype=np.int64)
        self._models, of_model = np.unique(model, return_inverse=True)
        order = np.argsort(ids)
        self._ids = ids[order]
        place = of_instruction[np.searchsorted(instructions, instruction)] * len(self._models) + of_model
        self._place = place[order]

    def sums(self, connection: sa.Connection, block: int) -> Mapping[_About, float]:
        """Of the replies that came with the verdicts of a block."""
        v = every_revision().c
        query = (
            sa.select(v.judge_id, v.output_a_id, sa.func.coalesce(v.output_b_id, 0), _c.cost_usd)
            .join(t.completions, _c.id == v.id)
            .where(v.id > block * BLOCK, v.id <= (block + 1) * BLOCK)
            .where(v.completion_id == v.id, _c.cost_usd.is_not(None))  # the verdict that came with the reply
        )
        kinds = [np.dtype(kind) for kind in ("<i8", "<i8", "<i8", "<f8")]
        judge, of_a, of_b, cost = number_columns(connection, query, kinds)
        pairwise = of_b > 0
        output = np.concatenate([of_a, of_b[pairwise]])
        judges, by = np.unique(np.concatenate([judge, judge[pairwise]]), return_inverse=True)
        cell, at = np.unique(
            by * (len(self._parts) * len(self._models)) + self._place[np.searchsorted(self._ids, output)],
            return_inverse=True,
        )
        sums = np.bincount(at, weights=np.concatenate([cost, cost[pairwise]]), minlength=len(cell))
        return {self._about(judges, number): spent for number, spent in zip(cell.tolist(), sums.tolist(), strict=True)}

    def _about(self, judges: np.ndarray, cell: int) -> _About:
        rest, model = divmod(cell, len(self._models))
        judge, part = divmod(rest, len(self._parts))
        return int(judges[judge]), *self._parts[part], int(self._models[model])
