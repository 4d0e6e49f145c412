"""The same trials with and without what happened afterwards."""

from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services, store
from judgebench.errors import InputError
from judgebench.judging.templates import render
from judgebench.records import ChatPrompt, Instruction, Output, Reading
from judgebench.show import hindsight
from judgebench.spec import load_template
from judgebench.store.database import Database
from tests.formats.writing import write_rows

COUNT = 12


def rows(**more: Any) -> list[dict[str, Any]]:
    """Of each instruction two outputs: one sounds good and ends badly one time in two."""
    return [
        {
            **{"instruction": f"Question {number}?", "category": f"c{number % 3}", "model": model, "output": text},
            **{"afterwards": "BAD" if model == "smooth" and number % 2 else "FINE"},
            **more,
        }
        for number in range(COUNT)
        for model, text in (("smooth", f"Certainly! {number}"), ("plain", f"Perhaps {number}"))
    ]


def rater(messages: list[dict[str, str]]) -> str:
    """Likes what sounds good, and not what ended badly."""
    words = messages[-1]["content"]
    return "Rating: [[2]]" if "\nBAD\n" in words else "Rating: [[9]]" if "Certainly!" in words else "Rating: [[5]]"


def comparer(messages: list[dict[str, str]]) -> str:
    words = messages[-1]["content"]
    smooth = "A" if words.index("Certainly!") < words.index("Perhaps") else "B"
    return f"[[{'AB'[smooth == 'A'] if chr(10) + 'BAD' + chr(10) in words else smooth}]]"


@pytest.fixture
def known(database: Database, tmp_path: Path) -> Database:
    services.imports.import_file(database, write_rows(tmp_path / "o.jsonl", rows()), benchmark="bench")
    return database


def ask(database: Database, function: Any, name: str, template: str, **more: Any) -> None:
    judgebench.run(
        database, benchmark="bench", judge=function, judge_name=name, judge_version="1", template=template, **more
    )


def test_scores_fall_by_what_was_planted(known: Database) -> None:
    ask(known, rater, "before", "pointwise/mt-bench")
    ask(known, rater, "after", "pointwise/mt-bench-hindsight")
    found = judgebench.hindsight(known, benchmark="bench", judge="before", informed="after")
    assert (found.is_score, found.whole.trials, found.alone) == (True, 2 * COUNT, (0, 0))
    assert found.whole.difference.value == pytest.approx(-7 / 4)  # from 9 to 2, of one output in four
    assert found.whole.difference.lower is not None
    assert found.whole.changed.value == 0.25
    assert {part.name: part.difference.value for part in found.models} == {"plain": 0, "smooth": -3.5}
    assert [part.name for part in found.categories] == ["c0", "c1", "c2"]
    assert len(list(hindsight.rows(found))) == 2 * COUNT
    assert hindsight.sentences(found)
    assert hindsight.document(found)["whole"]["trials"] == 2 * COUNT


def test_preferences_move_away_from_who_misled(known: Database) -> None:
    ask(known, comparer, "before", "pairwise/three-way", all_pairs=True)
    ask(known, comparer, "after", "pairwise/three-way-hindsight", all_pairs=True)
    found = judgebench.hindsight(known, benchmark="bench", judge="before", informed="after")
    assert (found.is_score, found.whole.changed.value, found.whole.size.value) == (False, 0.5, 0.5)
    assert {part.name: part.difference.value for part in found.models} == {"plain": 0.5, "smooth": -0.5}


def test_of_a_judge_whose_template_is_not_here_nobody_knows_what_it_was_shown(known: Database, tmp_path: Path) -> None:
    ask(known, rater, "before", "pointwise/mt-bench")
    ask(known, rater, "after", "pointwise/mt-bench-hindsight")
    annotation = {
        **{"instruction": "Question 1?", "output_1": "Certainly! 1", "generator_1": "smooth"},
        **{"output_2": "Perhaps 1", "generator_2": "plain", "annotator": "stranger", "preference": 1.0},
    }
    services.imports.import_file(known, write_rows(tmp_path / "a.json", [annotation]), benchmark="bench")
    assert services.benchmarks.benchmark(known, "bench").judges == ("after", "before", "stranger")
    assert services.hindsight.judges(known, "bench") == (("before",), ("after",))
    for judge, informed in (("before", "stranger"), ("stranger", "after")):
        with pytest.raises(InputError, match="nobody knows whether 'stranger' was shown"):
            judgebench.hindsight(known, benchmark="bench", judge=judge, informed=informed)


def test_what_happened_is_part_of_the_trial_only_where_it_is_shown() -> None:
    asked = Instruction(("One?",))
    plain, knowing = (load_template(f"pointwise/mt-bench{name}") for name in ("", "-hindsight"))
    bare = Output(asked.key, "m", "x")
    told = [Output(asked.key, "m", "x", afterwards=text) for text in ("good", "bad")]
    keys = [
        [Reading("j", asked, output, shown=template.shown(asked, output)).key for output in (bare, *told)]
        for template in (plain, knowing)
    ]
    assert (len(set(keys[0])), len(set(keys[1]))) == (1, 3)
    prompt = render(knowing, Reading("j", asked, told[0]), nonce="0" * 16)
    assert isinstance(prompt, ChatPrompt)
    assert f"<<< begin what happened after output {'0' * 16}\ngood\n" in prompt.messages[-1].content


def test_outputs_that_read_alike_are_no_tie_where_what_followed_differs(database: Database, tmp_path: Path) -> None:
    same = [row | {"output": "Perhaps Certainly!"} for row in rows()]
    services.imports.import_file(database, write_rows(tmp_path / "o.jsonl", same), benchmark="bench")
    ask(database, lambda messages: "[[A]]", "after", "pairwise/three-way-hindsight", all_pairs=True)
    with database.read() as connection:
        trials = list(store.battles.judged_trials(connection, 1))
    alike = [trial for trial in trials if trial.verdict.source == "identical"]
    assert len(alike) == COUNT  # both orders of those where both were fine


def test_what_is_not_known_is_refused_before_anything_is_asked(database: Database, tmp_path: Path) -> None:
    some = [row | {"afterwards": None} if number == 3 else row for number, row in enumerate(rows())]
    services.imports.import_file(database, write_rows(tmp_path / "o.jsonl", some), benchmark="bench")
    with pytest.raises(InputError, match="of 1 of 24 outputs to 'bench' nothing is known"):
        ask(database, rater, "after", "pointwise/mt-bench-hindsight")
    ask(database, rater, "before", "pointwise/mt-bench")
    with pytest.raises(InputError, match="must be a judge that was shown what happened"):
        judgebench.hindsight(database, benchmark="bench", judge="before", informed="before")
