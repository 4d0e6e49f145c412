"""AutoArena's head-to-heads, as its pages download them: two responses to a prompt, the judge, and who won.

``winner`` is A, B or "-" for a tie. In which order the judge saw them is not recorded. Votes of people, whose judge is
called Human, are labels. Source: kolenaIO/autoarena, api/router.py.
"""

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.pairs import named
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.recorded_pairs import gather_verdicts, recorded_pair
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import HumanLabel, Judge, Output, Source, Status, Verdict

PARSER = "auto-arena.v1"
_HUMAN = "Human"
_COLUMNS = ("prompt", "model_a", "model_b", "response_a", "response_b", "judge", "winner")
_FOR_A = {"A": 1.0, "B": 0.0, "-": 0.5}


def read_auto_arena(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """The verdicts of judges, and the labels of people. Raises InputError naming file, row and field."""
    reader = ExchangeReader(Columns({}), limits=limits)
    recorded = [_verdict(row, reader) for row in file_rows(filename, limits=limits)]
    people = [verdict for verdict in recorded if verdict.judge.name == _HUMAN]
    sides = [(verdict.instruction, side) for verdict in people for side in (verdict.a, verdict.b) if side is not None]
    labels: dict[tuple[str, str, str], HumanLabel] = {}
    for verdict in people:
        label = _label(verdict, str(filename))
        if label is not None and labels.setdefault((label.instruction, label.model_a, label.model_b), label) != label:
            raise InputError(f"{verdict.place}another winner of the same pair than in an earlier row of {_HUMAN}")
    judged = (verdict for verdict in recorded if verdict.judge.name != _HUMAN)
    return gather_verdicts(filename, judged, reader, outputs=sides, labels=tuple(labels.values()))


def _verdict(row: FileRow, reader: ExchangeReader) -> RecordedVerdict:
    instruction = reader.instruction(FileRow(row.place, {"prompt": row.text("prompt")}))
    first, second = (
        Output(instruction.key, _filled(row, f"model_{side}"), row.text(f"response_{side}")) for side in "ab"
    )
    winner = row.text("winner").strip()
    if winner not in _FOR_A:
        raise row.error("winner", f"expected A, B or - for a tie, found {winner[:40]!r}")
    preference = _FOR_A[winner]
    status = Status.TIE if preference == 0.5 else Status.OK
    label = {"A": first.model, "B": second.model}.get(winner, "tie")
    verdict = Verdict(status, Source.RECORDED, preference, label=label, parser=PARSER)
    name = _filled(row, "judge")
    judge = Judge(name, name, "recorded/auto-arena", PARSER)
    return recorded_pair(row, judge, instruction, (first, second), verdict, None, is_order_known=False)


def _filled(row: FileRow, column: str) -> str:
    name = named(row, column)
    if name is None:
        raise row.error(column, "is empty")
    return name


def _label(verdict: RecordedVerdict, filename: str) -> HumanLabel | None:
    b, preference = verdict.b, verdict.verdict.preference
    if b is None or preference is None or b.model == verdict.a.model:
        return None
    source = filename.replace("\\", "/").rpartition("/")[2]
    return HumanLabel(_HUMAN, verdict.instruction.key, verdict.a.model, b.model, preference, source=source)


AUTO_ARENA = Format(
    name="auto-arena",
    holds="verdicts",
    help="AutoArena's head-to-heads: prompt, two models with their responses, judge and winner (A, B or -).",
    recognises=lambda sample: (
        set(sample.columns) == set(_COLUMNS) and all(row.get("winner") in _FOR_A for row in sample.rows)
    ),
    read=read_auto_arena,
)
