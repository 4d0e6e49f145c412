"""MT-Bench's judgments, as FastChat's ``llm_judge`` writes them: scores of single outputs, and pairs in both orders.

They name questions by their numbers and models by their names, so questions and answers are imported first. A row is
about one turn. After the first turn of two a judge saw that turn and its reply and no more: that is an instruction of
its own. Games of a pair name their winner by the model, whichever was shown first: the first game showed ``model_1``
first, the second ``model_2``. A score of -1 and a winner "error" stand for replies in which FastChat read nothing.
Source: lm-sys/FastChat, ``fastchat/llm_judge/common.py``.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.games import Recorder, after_turns, answer, check_shown, models_of, numbered, of_all
from judgebench.formats.known import NOTHING, Known, joined
from judgebench.formats.outputs import InstructionRow, InstructionsFile
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.rereading import reread
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import Completion, Instruction, Judge
from judgebench.spec.templates import load_template

MT_BENCH_PARSER = "mt-bench.v1"
_UNREADABLE = -1
_WINNERS = {"model_1": 1.0, "model_2": 0.0, "tie": 0.5}  # preference for model_1
_ERROR = "error"


def _read(
    rows: Callable[[FileRow, Known], Iterator[RecordedVerdict]],
    template: str,
    filename: Filename,
    *,
    limits: ReadLimits | None = None,
    known: Known = NOTHING,
) -> VerdictsFile:
    """The recorded verdicts, each judge with each of its prompts a judge. Raises InputError naming file, row and field,
    also for a question or an answer that the benchmark lacks."""
    scale = load_template(template)
    recorded = (verdict for row in file_rows(filename, limits=limits) for verdict in rows(row, known))
    verdicts, duplicates = numbered(reread(verdict, scale) for verdict in recorded)
    return VerdictsFile(str(filename), of_all(verdicts), verdicts, models_of(verdicts), duplicates=duplicates)


def read_references(
    filename: Filename, *, limits: ReadLimits | None = None, known: Known = NOTHING
) -> InstructionsFile:
    """The benchmark's questions with the answers of the file as their references, a text for all turns. Raises
    InputError naming file, row and field, also for a question that the benchmark lacks."""
    items: dict[str, InstructionRow] = {}
    duplicates = 0
    for row in file_rows(filename, limits=limits):
        question = replace(joined(known, row, "question_id"), reference=_reference(row))
        item = items.setdefault(question.key, InstructionRow(question, row.place))
        if item.instruction != question:
            raise row.error("choices", f"{item.place.unit} {item.place.number} has another answer to this question")
        duplicates += item.place != row.place
    return InstructionsFile(str(filename), tuple(items.values()), duplicates, {"reference": "choices"})


def _reference(row: FileRow) -> str:
    choices = row.values.get("choices")
    turns = choices[0].get("turns") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    if not isinstance(turns, list) or not turns:
        raise row.error("choices", "expected a list of one answer, with a text a turn in 'turns'")
    return "\n\n".join(row.as_text("choices", turn) for turn in turns)


def _single(row: FileRow, known: Known) -> Iterator[RecordedVerdict]:
    whole, part = _asked(row, known)
    output = answer(known, row, "model", whole, row.text("model"), part)
    check_shown(row, "user_prompt", _optional(row, "user_prompt"), [output])
    score = row.number("score")
    if score is None or score == _UNREADABLE:
        why = "recorded as -1, which stands for no score" if score is not None else "the file records no score"
        score, label = None, None
    else:
        why, label = None, f"{score:g}"
    completion = Completion(row.text("judgment"))
    yield _recorder(row, "recorded/mt-bench-single").score(
        row, part, output, score, label=label, why=why, completion=completion
    )


def _pair(row: FileRow, known: Known) -> Iterator[RecordedVerdict]:
    whole, part = _asked(row, known)
    one, other = (answer(known, row, column, whole, row.text(column), part) for column in ("model_1", "model_2"))
    if one.model == other.model:
        raise row.error("model_2", "is model_1: a pair has outputs of two models")
    recorder = _recorder(row, "recorded/mt-bench-pair")
    for game, shown in (("g1", (one, other)), ("g2", (other, one))):
        column = f"{game}_winner"
        if row.values.get(column) is None:  # one game alone was played
            continue
        winner = row.text(column)
        if winner not in _WINNERS and winner != _ERROR:
            expected = ", ".join((*_WINNERS, _ERROR))
            raise row.error(column, f"expected one of {expected}, found {winner[:40]!r}")
        check_shown(row, f"{game}_user_prompt", _optional(row, f"{game}_user_prompt"), shown)
        for_one = _WINNERS.get(winner)
        preference = for_one if for_one is None or game == "g1" else 1 - for_one
        why = None if for_one is not None else 'recorded as "error", which stands for no verdict'
        completion = Completion(row.text(f"{game}_judgment"))
        yield recorder.game(row, part, shown, preference, label=winner, why=why, completion=completion)


def _asked(row: FileRow, known: Known) -> tuple[Instruction, Instruction]:
    """The benchmark's instruction, and what of it was asked when the row's turn was judged."""
    whole = joined(known, row, "question_id")
    turn = row.number("turn", within=(1, len(whole.turns)))
    if turn is None or turn != int(turn):
        raise row.error("turn", "expected the number of a turn, from 1")
    return whole, after_turns(whole, int(turn))


def _recorder(row: FileRow, template: str) -> Recorder:
    judge: Any = row.values.get("judge")
    if not isinstance(judge, list) or len(judge) != 2:
        raise row.error("judge", "expected a list of the judge's model and the name of its prompt")
    model, prompt = (row.as_text("judge", part) for part in judge)
    name = f"{model}:{prompt}"
    return Recorder(Judge(name, model, template, MT_BENCH_PARSER, {"prompt": prompt}), MT_BENCH_PARSER)


def _optional(row: FileRow, column: str) -> str | None:
    return None if row.values.get(column) is None else row.text(column)


MT_BENCH_REFERENCES = Format(
    name="mt-bench-references",
    holds="instructions",
    help="MT-Bench's reference answers, by --as: answers that become references of the questions they name.",
    read=read_references,
    joins=True,
)
MT_BENCH_SINGLE = Format(
    name="mt-bench-single",
    holds="verdicts",
    help="MT-Bench's scores of single outputs, a turn each, as FastChat writes them.",
    recognises=lambda sample: sample.holds("question_id", "model", "judge", "judgment", "score", "turn"),
    read=partial(_read, _single, "pointwise/mt-bench.v1"),
    joins=True,
)
MT_BENCH_PAIR = Format(
    name="mt-bench-pair",
    holds="verdicts",
    help="MT-Bench's pairs in both orders, a turn each, as FastChat writes them.",
    recognises=lambda sample: sample.holds("question_id", "model_1", "model_2", "judge", "g1_winner", "g1_judgment"),
    read=partial(_read, _pair, "pairwise/three-way.v1"),
    joins=True,
)
