"""Verdicts on two outputs as others record them: about the one shown first, however the models' names sort."""

from collections.abc import Iterable
from dataclasses import replace

from judgebench.errors import InputError
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.reading import Filename, FileRow
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile, distinct
from judgebench.records import Completion, HumanLabel, Instruction, Judge, Order, Output, Verdict


def recorded_pair(
    row: FileRow,
    judge: Judge,
    instruction: Instruction,
    sides: tuple[Output, Output],
    verdict: Verdict,
    completion: Completion | None,
    *,
    is_order_known: bool = True,
) -> RecordedVerdict:
    """``verdict`` is about the first of the sides, which was shown first where the order is known."""
    first, second = sides
    swapped = second.model < first.model
    a, b = (second, first) if swapped else (first, second)
    order = None if not is_order_known else Order.BA if swapped else Order.AB
    if swapped and verdict.preference is not None:
        verdict = replace(verdict, preference=1 - verdict.preference)
    return RecordedVerdict(judge, instruction, a, b, order, 0, verdict, completion, f"{row.place}, ")


def gather_verdicts(
    filename: Filename,
    recorded: Iterable[RecordedVerdict],
    reader: ExchangeReader,
    *,
    outputs: Iterable[tuple[Instruction, Output]] = (),
    labels: tuple[HumanLabel, ...] = (),
    unkept: dict[str, int] | None = None,
) -> VerdictsFile:
    """The file of these verdicts, each trial once; a model compared with itself is no battle, and is counted.

    Raises InputError where one judge says two things about one trial, or a model has two outputs to an instruction.
    """
    verdicts: dict[str, RecordedVerdict] = {}
    sides: dict[tuple[str, str, int], tuple[Instruction, Output]] = {}
    itself = duplicates = 0
    for side in outputs:
        _keep(sides, side, f"{filename}: ")
    for verdict in recorded:
        for output in (verdict.a, verdict.b):
            if output is not None:
                _keep(sides, (verdict.instruction, output), verdict.place)
        if verdict.b is not None and verdict.a.model == verdict.b.model:
            itself += 1
            continue
        earlier = verdicts.setdefault(verdict.result.trial_key, verdict)
        if earlier != verdict:
            raise InputError(f"{verdict.place}another verdict of {verdict.judge.name!r} on the same trial than before")
        duplicates += earlier is not verdict
    return VerdictsFile(
        file=str(filename),
        outputs=distinct(sides.values()),
        verdicts=tuple(verdicts.values()),
        models=tuple(sorted({output.model for _, output in sides.values()})),
        labels=labels,
        against_itself=itself,
        duplicates=duplicates,
        blobs=reader.blobs,
        unkept={name: number for name, number in (unkept or {}).items() if number},
    )


def _keep(
    sides: dict[tuple[str, str, int], tuple[Instruction, Output]], side: tuple[Instruction, Output], place: str
) -> None:
    instruction, output = side
    earlier = sides.setdefault((instruction.key, output.model, output.sample), side)
    if earlier[1].digest != output.digest:
        raise InputError(f"{place}another output of {output.model!r} to this instruction than in an earlier row")
