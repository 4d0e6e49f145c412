"""Arena-Hard-Auto's judgments, v0.1 and v2: two games a question, against a baseline that the first game showed first.

They name questions and models by id, so questions and answers are imported first. v2 names the baseline in each row;
v0.1 does not, and its usual one is taken where the prompt of a game shows that it was this one. A score is the label
that was read, about the sides as shown; null stands for a reply without exactly one. Source: lmarena/arena-hard-auto,
``gen_judgment.py`` and ``show_result.py``.
"""

import re
from collections.abc import Iterator
from typing import Any

from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.games import Recorder, answer, check_shown, models_of, numbered, of_all
from judgebench.formats.known import NOTHING, Known, joined
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.rereading import reread
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.judging.parsing.grammar import value_of
from judgebench.judging.templates import Label, Scale
from judgebench.records import Completion, Instruction, Judge, Output
from judgebench.spec.templates import load_template

ARENA_HARD_PARSER = "arena-hard.v1"
_USUAL_BASELINE = "gpt-4-0314"  # of v0.1: config/judge_config.yaml
_FOLDER = re.compile(r"model_judgment[/\\]([^/\\]+)[/\\][^/\\]+\Z")  # which is named after the judge
_GAMES = 2


def read_arena_hard(filename: Filename, *, limits: ReadLimits | None = None, known: Known = NOTHING) -> VerdictsFile:
    """The recorded verdicts. Raises InputError naming file, row and field, also for a question or an answer that the
    benchmark lacks."""
    template = load_template("pairwise/arena-hard.v1")
    rows = file_rows(filename, limits=limits)
    recorded = (verdict for row in rows for verdict in _verdicts(row, known, template.scale, str(filename)))
    verdicts, duplicates = numbered(reread(verdict, template) for verdict in recorded)
    return VerdictsFile(str(filename), of_all(verdicts), verdicts, models_of(verdicts), duplicates=duplicates)


def _verdicts(row: FileRow, known: Known, scale: Scale, file: str) -> Iterator[RecordedVerdict]:
    column = "uid" if row.values.get("uid") is not None else "question_id"
    instruction = joined(known, row, column)
    output = answer(known, row, "model", instruction, row.text("model"), instruction)
    games = _games(row)
    baseline = _baseline(row, known, games, instruction)
    if baseline.model == output.model:
        raise row.error("model", "is the baseline: a game has outputs of two models")
    recorder = _recorder(row, file)
    for number, game in enumerate(games):
        shown = (baseline, output) if number % 2 == 0 else (output, baseline)
        if game is None:
            yield recorder.game(row, instruction, shown, None, why="the file records no reply in this game")
            continue
        check_shown(row, "games", _prompt(row, game), shown)
        preference, label, why = _scored(row, game, scale)
        completion = _completion(row, game)
        yield recorder.game(row, instruction, shown, preference, label=label, why=why, completion=completion)


def _games(row: FileRow) -> list[dict[str, Any] | None]:
    games = row.values.get("games")
    if not isinstance(games, list) or not 1 <= len(games) <= _GAMES:
        raise row.error("games", "expected a list of two games, the second with the sides swapped")
    if not all(game is None or (isinstance(game, dict) and "score" in game) for game in games):
        raise row.error("games", "expected objects with 'score'")
    return games


def _baseline(row: FileRow, known: Known, games: list[dict[str, Any] | None], instruction: Instruction) -> Output:
    """The row's; where it names none, the usual one of v0.1, if a prompt was kept that tells."""
    if row.values.get("baseline") is not None:
        return answer(known, row, "baseline", instruction, row.text("baseline"), instruction)
    if not any(game is not None and _prompt(row, game) for game in games):
        raise row.error("baseline", "is missing, and no prompt tells which model it was: add a column with its name")
    return answer(known, row, "baseline", instruction, _USUAL_BASELINE, instruction)


def _recorder(row: FileRow, file: str) -> Recorder:
    folder = _FOLDER.search(file)
    if row.values.get("judge") is not None:
        judge = row.text("judge")
    elif folder is not None:
        judge = folder[1]
    else:
        raise row.error("judge", "is missing, and so is the folder model_judgment/JUDGE: add a column with its name")
    return Recorder(Judge(judge, judge, "recorded/arena-hard", ARENA_HARD_PARSER), ARENA_HARD_PARSER)


def _scored(row: FileRow, game: dict[str, Any], scale: Scale) -> tuple[float | None, str | None, str | None]:
    """The preference for the side shown first, the label, and why there is no preference."""
    score = game["score"]
    if score is None:
        return None, None, "recorded as null, which stands for no verdict"
    label = row.as_text("games", score)
    stands_for = value_of(scale, label)
    if not isinstance(stands_for, Label):
        return None, label[:40], f"recorded as {label[:40]!r}, which is none of the five labels"
    return stands_for.preference, label, None


def _completion(row: FileRow, game: dict[str, Any]) -> Completion | None:
    """v0.1 keeps a text; v2 an object with ``answer``, beside which a thought may stand."""
    reply = game.get("judgment", game.get("answer"))
    if reply is None:
        return None
    if not isinstance(reply, dict):
        return Completion(row.as_text("games", reply))
    thought = reply.get("thought")
    answered = reply.get("answer")
    if answered is None:
        return None
    return Completion(
        row.as_text("games", answered), reasoning=None if thought is None else row.as_text("games", thought)
    )


def _prompt(row: FileRow, game: dict[str, Any]) -> str | None:
    """What the judge was shown: a text, or messages."""
    prompt = game.get("user_prompt", game.get("prompt"))
    messages = prompt if isinstance(prompt, list) else [prompt]
    texts = [message.get("content") if isinstance(message, dict) else message for message in messages]
    shown = [text for text in texts if isinstance(text, str)]
    return "\n".join(shown) or None


def _recognises(sample: Sample) -> bool:
    games = sample.rows[0].get("games") if sample.holds("games", "model") else None
    keyed = sample.holds("uid") or sample.holds("question_id")
    return keyed and isinstance(games, list) and any(isinstance(game, dict) and "score" in game for game in games)


ARENA_HARD = Format(
    name="arena-hard",
    holds="verdicts",
    help="Arena-Hard-Auto's judgments, v0.1 and v2: two games a question against a baseline.",
    recognises=_recognises,
    read=read_arena_hard,
    joins=True,
)
