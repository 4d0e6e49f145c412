"""WildBench: tasks with checklists, models' results, and the judgments of both kinds, scores and pairs.

Judgments name a task by its session and hold the outputs as the judge was shown them, but not the task. Where the
benchmark has an instruction with this id, that is it; else the session stands in for the task, under its id. A judge's
reply is kept there as the object that it was read into. Which judge it was, only the folder tells that the files lie
in. Source: allenai/WildBench, ``openai_batch_eval/batch_results_format.py`` and ``unified_utils.py``.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.games import Recorder, models_of, numbered, of_all
from judgebench.formats.known import NOTHING, AmbiguousId, Known, id_in
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.rereading import reread
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import Completion, Instruction, Judge, Output
from judgebench.spec.templates import load_template

WILDBENCH_PARSER = "wildbench.v1"
_JUDGE = re.compile(r"(?:eval=|score[._]v\d_)(?P<judge>[^/\\]+)[/\\]")  # of a folder's name
_UNKNOWN = "unknown"
_MARK = "<|begin_of_response_B|>\n"  # which the tool that made the files left before the second output
_EXTENTS = {0: 0.5, 1: 0.75, 2: 1.0}  # preference for the winner
_TOKENS = (0.0, 2.0**31 - 1)  # that the store's column holds
_CUT = "... (truncated)"  # how an output ends that was shown in part


@dataclass(frozen=True, slots=True)
class _Tasks:
    """What the benchmark holds of the tasks that a file names."""

    known: Known
    lacking: set[str] = field(default_factory=set)  # ids of those that it does not hold

    def instruction(self, row: FileRow) -> Instruction:
        id = id_in(row, "session_id")
        if id is None:
            raise row.error("session_id", "is empty: expected the id of a session")
        try:
            known = self.known.instruction(id)
        except AmbiguousId as error:
            raise row.error("session_id", f"{id[:80]!r} is the id of several instructions of the benchmark") from error
        if known is None:
            self.lacking.add(id)
        return known or Instruction((f"WildBench session {id}",), ids=(id,))

    def output(self, row: FileRow, column: str, instruction: Instruction, model: str, shown: str) -> Output:
        """The benchmark's, where it has one, which may be longer than what was shown. Raises InputError where that is
        another one."""
        stored = self.known.outputs(instruction.key, model)
        if not stored:
            return Output(instruction.key, model, shown)
        for output in stored:
            if _is_shown(output.text, shown):
                return output
        raise row.error(
            column,
            f"the benchmark has another output of model {model[:80]!r} to this task: import these judgments with the "
            "outputs that they are about, into a benchmark of their own",
        )


def _is_shown(text: str, shown: str) -> bool:
    whole, part = " ".join(text.split()), " ".join(shown.split())
    return whole == part or (part.endswith(_CUT) and whole.startswith(part.removesuffix(_CUT).rstrip()))


def _read(
    of_row: Callable[[FileRow, _Tasks, Recorder], RecordedVerdict],
    kind: str,
    template: str,
    filename: Filename,
    *,
    limits: ReadLimits | None = None,
    known: Known = NOTHING,
) -> VerdictsFile:
    """The recorded verdicts. Raises InputError naming file, row and field."""
    folder, scale, tasks = _JUDGE.search(str(filename)), load_template(template), _Tasks(known)
    name = folder["judge"] if folder else _UNKNOWN
    judge = Judge(f"{name}:wildbench-{kind}", name, f"recorded/wildbench-{kind}", WILDBENCH_PARSER)
    recorder = Recorder(judge, WILDBENCH_PARSER)
    recorded = (of_row(row, tasks, recorder) for row in file_rows(filename, limits=limits))
    verdicts, duplicates = numbered(reread(verdict, scale) for verdict in recorded)
    return VerdictsFile(
        *(str(filename), of_all(verdicts), verdicts, models_of(verdicts)),
        duplicates=duplicates,
        by_id_alone=len(tasks.lacking),
    )


def _scored(row: FileRow, tasks: _Tasks, recorder: Recorder) -> RecordedVerdict:
    instruction, model = tasks.instruction(row), row.text("model_test")
    output = tasks.output(row, "model_output", instruction, model, row.text("model_output"))
    value = row.values.get("score")
    score, why = _number(value), None
    if score is None:
        why = f"recorded as {str(value)[:40]!r}, which is no number"
    label = None if value is None else str(value)[:40]
    return recorder.score(row, instruction, output, score, label=label, why=why, completion=_completion(row))


def _number(value: Any) -> float | None:
    """A score, as a text or a number."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1e300 else None


def _compared(row: FileRow, tasks: _Tasks, recorder: Recorder) -> RecordedVerdict:
    """Game of ``model_A``, shown first, and ``model_B``."""
    instruction, names = tasks.instruction(row), [row.text("model_A"), row.text("model_B")]
    texts = row.values.get("model_outputs")
    if not isinstance(texts, dict) or not set(names) <= texts.keys():
        raise row.error("model_outputs", "expected an object with the output of each of the two models")
    if names[0] == names[1]:
        raise row.error("model_B", "is model_A: a pair has outputs of two models")
    shown = [
        tasks.output(
            row, "model_outputs", instruction, name, row.as_text("model_outputs", texts[name]).removeprefix(_MARK)
        )
        for name in names
    ]
    preference = _preference(row, names)
    parsed = row.values.get("parsed_result")
    choice = parsed.get("choice") if isinstance(parsed, dict) else None
    label = choice[:40] if isinstance(choice, str) else None
    return recorder.game(row, instruction, (shown[0], shown[1]), preference, label=label, completion=_completion(row))


def _preference(row: FileRow, names: Sequence[str]) -> float:
    """For the first."""
    winner, extent = row.text("winner"), row.number("extent", within=(0, 2))
    if winner == "tie":
        return 0.5
    if winner not in names or extent not in _EXTENTS or not extent:
        raise row.error("winner", "expected one of the two models with an extent of 1 or 2, or tie")
    for_winner = _EXTENTS[int(extent)]
    return for_winner if winner == names[0] else 1 - for_winner


def _completion(row: FileRow) -> Completion | None:
    """The reply as the object that it was read into; what the question cost is beside it."""
    parsed = row.values.get("parsed_result")
    if parsed is None:
        return None
    about: Any = row.values.get("meta_data")
    usage = about.get("usage") if isinstance(about, dict) else None
    prompt, reply = (_tokens(row, usage, name) for name in ("prompt_tokens", "completion_tokens"))
    return Completion(json.dumps(parsed, ensure_ascii=False), prompt_tokens=prompt, completion_tokens=reply)


def _tokens(row: FileRow, usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return None if value is None else int(row.as_number("meta_data", value, within=_TOKENS))


WILDBENCH_SCORES = Format(
    name="wildbench-scores",
    holds="verdicts",
    help="WildBench's scores of outputs from 1 to 10, with strengths and weaknesses.",
    recognises=lambda sample: sample.holds("session_id", "parsed_result", "model_test", "score", "model_output"),
    read=partial(_read, _scored, "score", "pointwise/wildbench-score.v1"),
    joins=True,
    benchmark="wildbench",
)
WILDBENCH_PAIRS = Format(
    name="wildbench-pairs",
    holds="verdicts",
    help="WildBench's pairs: the winner and by how much, in one order each.",
    recognises=lambda sample: sample.holds("session_id", "parsed_result", "model_A", "model_B", "winner", "extent"),
    read=partial(_read, _compared, "pair", "pairwise/wildbench-reward.v1"),
    joins=True,
    benchmark="wildbench",
)
