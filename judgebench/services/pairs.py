"""Pairs of outputs for other tools, with what a judge or people said about them; what has no place there is counted."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from judgebench.errors import InputError, UnknownName
from judgebench.formats.judged_pairs import JudgedPair, judged_pairs, labelled_pairs, of_one_turn
from judgebench.formats.preference_rows import preference_row
from judgebench.leaderboard.build import common_baseline
from judgebench.records import Instruction, Output
from judgebench.services import parts
from judgebench.services.parts import Part
from judgebench.services.scope import Scope, scoped_verdicts
from judgebench.store.database import Database

READINGS = "readings of one output"
WITHOUT_PREFERENCE = "verdicts without a preference"
SEVERAL_TURNS = "of instructions with more than one text, or outputs that are more than one"
REPLIES = "replies where several verdicts are one row"
NOT_BASELINE = "battles without the baseline"


def battles_with_baseline(database: Database, part: Part) -> Iterator[tuple[JudgedPair, str]]:
    """Of instructions with one turn, and the name of the baseline.

    Raises UnknownName for a baseline that took part in no battle, InputError where none is named and none met all.
    """
    baseline = chosen_baseline(database, part)
    for pair in _judged(database, part):
        models = {pair.a.model, pair.b.model}
        if baseline not in models:
            part.left_out[NOT_BASELINE] += 1
        elif not of_one_turn(pair.instruction, pair.a, pair.b):
            part.left_out[f"battles {SEVERAL_TURNS}"] += 1
        elif not part.models or models - {baseline} <= set(part.models):
            if len(pair.verdicts) > 1:
                part.left_out[REPLIES] += sum(recorded.completion is not None for recorded in pair.verdicts)
            yield pair, baseline


def chosen_baseline(database: Database, part: Part) -> str:
    """The model that every row compares others with."""
    with database.read() as connection:
        scope = Scope(part.judges, part.category, all_judges=not part.judges, with_flagged=True)
        table = scoped_verdicts(connection, part.benchmark, scope).table
    chosen = part.choice.baseline
    models = {table.models[code] for side in (table.model_a, table.model_b) for code in set(side.tolist())}
    if chosen is not None and chosen not in models:
        raise UnknownName("judged model", chosen, sorted(models))
    chosen = chosen or common_baseline(table) or (min(models) if len(models) == 2 else None)
    if chosen is None:
        raise InputError(f"no model took part in every battle of {part.benchmark}: name one by --baseline")
    return chosen


def outputs_of_one_turn(database: Database, part: Part) -> Iterator[tuple[Instruction, Output]]:
    """The first output of each model to each instruction of one text."""
    for instruction, output in parts.outputs(database, part):
        if of_one_turn(instruction, output):
            yield instruction, output
        else:
            part.left_out[f"outputs {SEVERAL_TURNS}"] += 1


def won_battles(database: Database, part: Part) -> Iterator[tuple[Instruction, Output, Output, str, float]]:
    """Each verdict or label with the preference for A, and whose it is."""
    if part.choice.pairs_from == "labels":
        for instruction, a, b, label in parts.labels(database, part):
            if _chosen(part, a.model, b.model):
                yield instruction, a, b, label.annotator, label.preference
        return
    for (recorded,) in parts.verdicts(database, part):
        if recorded.b is None:
            part.left_out[READINGS] += 1
        elif _chosen(part, recorded.a.model, recorded.b.model):
            if recorded.verdict.preference is None:
                part.left_out[WITHOUT_PREFERENCE] += 1
            else:
                yield recorded.instruction, recorded.a, recorded.b, recorded.judge.name, recorded.verdict.preference


def preferred(database: Database, part: Part) -> Iterator[tuple[JudgedPair]]:
    """Pairs of which one is preferred, that pass every filter, and can be told as texts."""
    for pair in _judged(database, part) if part.choice.pairs_from == "verdicts" else _labelled(database, part):
        if _chosen(part, pair.a.model, pair.b.model):
            reason = _reason(pair, part)
            if reason is None:
                yield (pair,)
            else:
                part.left_out[reason] += 1


def _reason(pair: JudgedPair, part: Part) -> str | None:
    """Why the pair is left out; None where it is not."""
    mean, choice = pair.preference, part.choice
    if mean is None:
        return "pairs without a preference"
    if mean == 0.5:
        return "ties"
    if choice.both_orders and not pair.orders_agree:
        return "pairs without the same winner in both orders"
    if abs(2 * mean - 1) < choice.min_margin:
        return "pairs below the least margin"
    confidence = pair.confidence
    if choice.min_confidence is not None and confidence is None:
        return "pairs whose confidence is not known"
    if choice.min_confidence is not None and confidence is not None and confidence < choice.min_confidence:
        return "pairs below the least confidence"
    try:
        preference_row(pair)
    except ValueError:
        return "pairs with tools, files or reasoning, or of equal outputs"
    return None


def _judged(database: Database, part: Part) -> Iterator[JudgedPair]:
    for _, group in groupby(parts.verdicts(database, part), key=lambda row: row[0].instruction.key):
        several = [recorded for (recorded,) in group]
        part.left_out[READINGS] += sum(recorded.b is None for recorded in several)
        yield from judged_pairs(several)


def _labelled(database: Database, part: Part) -> Iterator[JudgedPair]:
    given: Iterable[Any] = groupby(parts.labels(database, part), key=lambda row: row[0].key)
    for _, group in given:
        yield from labelled_pairs(group)


def _chosen(part: Part, *models: str) -> bool:
    return not part.models or bool(set(part.models) & set(models))
