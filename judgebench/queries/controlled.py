"""Leaderboards under control: related judges left out or given less weight, columns of style, or people as anchor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import sqlalchemy as sa

from judgebench.bias.effects import length_effect, place_effect
from judgebench.bias.leakage import RELATED, Relation, relation_matrix
from judgebench.bias.people import join, mean_of_known
from judgebench.bias.report import style_effects
from judgebench.bias.weighting import without_related
from judgebench.errors import StatisticsError
from judgebench.leaderboard import Choices, Leaderboard, build
from judgebench.leaderboard.controlled import build_anchored, build_at_equal, build_corrected
from judgebench.queries.audits import with_gate
from judgebench.records import Lineage
from judgebench.stats.rogan_gladen import Calibration
from judgebench.stats.table import Floats, LabelTable, VerdictTable
from judgebench.store import judge_reader, labels, reader
from judgebench.store.database import Database

Control = Literal["length", "style", "position"]
Anchor = Literal["human", "rogan-gladen"]


@dataclass(frozen=True, slots=True)
class Controls:
    """What is done about bias before and while ranking."""

    columns: tuple[Control, ...] = ()  # of the rating model
    related_weight: float = 1.0  # of a related judge's say in a battle; 0: its verdicts are left out
    anchor: Anchor | None = None
    labels_of: str | None = None  # benchmark whose labels tell error rates; None: the leaderboard's own


def controlled_leaderboard(
    database: Database,
    benchmark: str,
    controls: Controls,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    choices: Choices | None = None,
) -> Leaderboard:
    """The leaderboard under ``controls``, with a note for each.

    Raises UnknownName for any name that is not there, and StatisticsError when controls do not fit together or with
    the method, or leave nothing to rank by.
    """
    choices = choices or Choices()
    if controls.anchor and controls.columns:
        raise StatisticsError("an anchor corrects what the columns would control: choose one of --anchor and --control")
    with database.read() as connection:
        if choices.baseline is not None:
            reader.check_model(connection, choices.baseline)
        benchmark_id = reader.chosen_benchmark(connection, benchmark, judges, category)
        stored = reader.verdict_table(connection, benchmark_id, judges=judges, category=category)
        table, notes = _related(connection, stored.table, controls.related_weight)
        if not len(table):
            raise StatisticsError(
                "no verdict is left to rank by: every judge is related to one of the models it judged"
            )
        board = _board(connection, benchmark_id, table, controls, choices)
    board = replace(board, left_out=dict(stored.left_out), notes=(*notes, *board.notes))
    return with_gate(database, benchmark, board)


def _board(
    connection: sa.Connection, benchmark_id: int, table: VerdictTable, controls: Controls, choices: Choices
) -> Leaderboard:
    if controls.anchor == "human":
        return build_anchored(table, _labels_as_verdicts(connection, benchmark_id, table), choices)
    if controls.anchor == "rogan-gladen":
        source = benchmark_id if controls.labels_of is None else reader.benchmark_id(connection, controls.labels_of)
        calibration = _calibration(connection, source, table)
        return build_corrected(table, choices, calibration, source=controls.labels_of or "this benchmark")
    if controls.columns:
        return build_at_equal(table, choices, _columns(connection, benchmark_id, table, controls.columns))
    return build(table, choices)


def _related(connection: sa.Connection, table: VerdictTable, weight: float) -> tuple[VerdictTable, list[str]]:
    """The table with less or no say for related judges, and what was done, in words."""
    if weight >= 1:
        return table, []
    relations = relation_matrix(table, _llms(connection, table), _declared(connection))
    found = without_related(table, np.isin(relations, RELATED), weight=weight)
    unknown = (relations == Relation.UNKNOWN)[table.judge, table.model_a]
    unknown |= (relations == Relation.UNKNOWN)[table.judge, table.model_b]
    notes = [f"{found.related} verdicts by judges related to one of the two models: {found.words}"]
    if unknown.any():
        notes.append(
            f"of {int(unknown.sum())} verdicts nobody declared whether judge and models are related; they were kept "
            "as they are: see judgebench lineage propose"
        )
    return found.table, notes


def _columns(
    connection: sa.Connection, benchmark_id: int, table: VerdictTable, wanted: Sequence[Control]
) -> Mapping[str, Floats]:
    effects = [place_effect(table)] if "position" in wanted else []
    effects += [length_effect(table)] if "length" in wanted else []
    if "style" in wanted:
        names = {"models": table.models, "instructions": table.instructions}
        effects += style_effects(table, judge_reader.style_counts(connection, benchmark_id, **names))
    return {effect.name: effect.column for effect in effects}


def _labels_as_verdicts(connection: sa.Connection, benchmark_id: int, table: VerdictTable) -> VerdictTable:
    """People's labels on this table's models and instructions as a table under the same names."""
    found = labels.label_table(connection, benchmark_id, models=table.models, instructions=table.instructions)
    met = np.unique(np.concatenate([table.model_a, table.model_b]))
    kept = np.isin(found.model_a, met) & np.isin(found.model_b, met)
    none = np.zeros(int(kept.sum()), dtype=np.int32)
    return replace(
        table,
        judges=found.annotators,
        model_a=found.model_a[kept],
        model_b=found.model_b[kept],
        instruction=found.instruction[kept],
        judge=found.annotator[kept],
        order=np.full(len(none), -1, dtype=np.int8),
        preference=found.preference[kept],
        length_a=none,
        length_b=none,
    )


def _calibration(connection: sa.Connection, source: int, board: VerdictTable) -> Calibration:
    """How often these judges name the winner that people name, in the ``source`` benchmark.

    Neither side of a battle is "the positive" by itself, so sensitivity and specificity are one accuracy and the
    labelled battles are shared between them.
    """
    judges = [board.judges[code] for code in np.unique(board.judge)]
    stored = reader.verdict_table(connection, source, judges=judges).table
    said: LabelTable = labels.label_table(
        connection, source, models=stored.models, instructions=stored.instructions
    )  # fmt: skip
    items = join(stored, said)
    judged, consensus = mean_of_known(items.judges), items.consensus
    decided = np.isfinite(judged) & np.isfinite(consensus) & (consensus != 0.5) & (judged != 0.5)
    right = (judged[decided] > 0.5) == (consensus[decided] > 0.5)
    half = len(right) // 2
    if not half:
        raise StatisticsError("no labelled battle tells how often the judge is right: name others by --labels-of")
    return Calibration(float(right.mean()), half, float(right.mean()), len(right) - half)


def _llms(connection: sa.Connection, table: VerdictTable) -> list[str]:
    models = {judge.name: judge.model for judge in reader.judges(connection)}
    return [models[name] for name in table.judges]


def _declared(connection: sa.Connection) -> dict[str, Lineage]:
    found = judge_reader.lineages(connection)
    return {name: lineage for name, lineage in found.items() if lineage != Lineage()}
