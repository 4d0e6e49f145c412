"""Verdicts as judges gave them: which side was shown first, what is said twice, what the benchmark must hold."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.games import Recorder, after_turns, answer, check_shown, models_of, numbered, of_all
from judgebench.formats.known import NOTHING
from judgebench.formats.reading import FileRow, Place
from judgebench.records import Completion, Instruction, Judge, Order, Output, Source, Status

WHOLE = Instruction(("Name a city.", "And its river."), "geography", ids=("81",))
RECORDER = Recorder(Judge("j", "j", "recorded/x", "x.v1"), "x.v1")
ROW = FileRow(Place("f.jsonl", "line", 3), {"model": "n"})
A, B = (Output(WHOLE.key, model, text, (text.lower(),)) for model, text in (("m", "Rhine"), ("n", "Seine")))


class Held:
    """A benchmark with the outputs of m and n to one instruction."""

    def instruction(self, id: str) -> Instruction | None:
        return WHOLE if id in WHOLE.ids else None

    def outputs(self, key: str, model: str) -> tuple[Output, ...]:
        return tuple(output for output in (A, B) if key == WHOLE.key and output.model == model)


def test_the_preference_is_for_the_side_shown_first() -> None:
    first = RECORDER.game(ROW, WHOLE, (A, B), 0.75, label="A>B")
    second = RECORDER.game(ROW, WHOLE, (B, A), 0.75, label="A>B")
    assert [(game.order, game.verdict.preference) for game in (first, second)] == [(Order.AB, 0.75), (Order.BA, 0.25)]
    assert {(game.a.model, game.verdict.source, game.verdict.label) for game in (first, second)} == {
        ("m", Source.RECORDED, "A>B")
    }


def test_half_is_a_tie_and_none_no_verdict() -> None:
    assert RECORDER.game(ROW, WHOLE, (A, B), 0.5).verdict.status is Status.TIE
    failed = RECORDER.game(ROW, WHOLE, (A, B), None, why="null").verdict
    assert (failed.status, failed.source, failed.detail) == (Status.UNPARSED, Source.NONE, "null")
    assert RECORDER.score(ROW, WHOLE, A, 7.0).verdict.score == 7.0
    assert RECORDER.score(ROW, WHOLE, A, None, why="-1").verdict.status is Status.UNPARSED


def test_what_is_said_twice_counts_once_and_what_is_judged_again_is_a_repeat() -> None:
    one, again, other = (
        RECORDER.score(ROW, WHOLE, A, score, completion=Completion(text))
        for score, text in ((7, "x"), (7, "x"), (8, "y"))
    )
    verdicts, duplicates = numbered([one, again, other])
    assert [(row.repeat, row.verdict.score) for row in verdicts] == [(0, 7), (1, 8)]
    assert (duplicates, models_of(verdicts), of_all(verdicts)) == (1, ("m",), ((WHOLE, A),))


def test_after_the_first_turn_it_is_an_instruction_of_its_own() -> None:
    first = after_turns(WHOLE, 1)
    assert (first.turns, first.category, first.ids) == (("Name a city.",), "geography", ("81, turn 1",))
    assert after_turns(WHOLE, 2) is WHOLE
    output = answer(Held(), ROW, "model", WHOLE, "n", first)
    assert (output.instruction, output.text, output.earlier) == (first.key, "seine", ())
    assert answer(Held(), ROW, "model", WHOLE, "n", WHOLE) is B


def test_an_output_that_the_benchmark_lacks_is_asked_for_by_file_row_and_model() -> None:
    with pytest.raises(
        InputError, match=r"f\.jsonl, line 3, field 'model': .* of model 'n' .*: import the answers first"
    ):
        answer(NOTHING, ROW, "model", WHOLE, "n", WHOLE)


@pytest.mark.parametrize("prompt", [None, "A:\n  Rhine\nB: Seine"])
def test_a_prompt_that_holds_the_outputs_passes(prompt: Any) -> None:
    check_shown(ROW, "prompt", prompt, [A, B])


def test_a_prompt_that_holds_another_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'prompt': .* another text than the benchmark's output of model 'n'"):
        check_shown(ROW, "prompt", "A: Rhine, B: Loire", [A, B])
