"""Real judgments by others, read again by our grammar. The data are not ours and lie beside the checkout."""

import gzip
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from judgebench.judging.parsing import parse
from judgebench.judging.templates import Label, LabelScale, ReplyFormat
from judgebench.records import Battle, Completion, Instruction, Order, Output, Reading, Status, TokenLogprob, Trial
from judgebench.spec import load_template
from judgebench.stats.published_scores import wb_score

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the published data (../shared/data) are not on this machine"),
]

# The tool that recorded these decisions takes a judgment only if it holds one distinct label, and so has none for the
# thirteen below. In each the judge gives a label on the way (to its own answer, or to each assistant in turn) and
# closes with another. We take the last; the other is more than 200 characters before it or expressly replaced.
# (pair, game) -> our verdict about the response shown first: 1 better, 0 worse, 0.5 a tie, 0.75 and 0.25 slightly
UNDECIDED_THERE = {
    ("663eb019", 1): 0.75,
    ("bc53b449", 0): 0.25,
    ("3ca791e5", 1): 0.25,
    ("c2d66af7", 0): 0.75,
    ("a74d50f7", 0): 0.25,
    ("bbdcd0e8", 0): 1.0,
    ("90a99d74", 0): 0.5,
    ("6bc9bd9d", 0): 0.75,
    ("e507c24c", 0): 1.0,
    ("b29e3027", 0): 0.5,
    ("4e42fb58", 0): 0.75,
    ("9fb1c9fc", 0): 0.5,
    ("5ab8d9e6", 0): 0.25,
}


def rows(path: str) -> list[dict]:
    with gzip.open(DATA / path, "rt", encoding="utf-8") as file:
        text = file.read()
    return json.loads(text) if path.endswith(".json.gz") else [json.loads(line) for line in text.splitlines()]


def test_claude_3_haiku_is_read_as_recorded_wherever_a_decision_was_recorded():
    template = load_template("pairwise/arena-hard")
    recorded, differing = Counter(), {}
    for row in rows("scalerlab_judgebench/claude-3-haiku-20240307_on_claude-3-5-sonnet.jsonl.gz"):
        instruction = Instruction((row["question"],))
        sides = [Output(instruction.key, side, row[f"response_{side}"]) for side in "AB"]
        for game, judged in enumerate(row["judgments"]):
            trial = Trial("j", Battle(instruction, *sides), (Order.AB, Order.BA)[game])
            verdict = parse(Completion(judged["judgment"]["response"]), template, trial)
            first = verdict.preference if game == 0 else 1 - verdict.preference
            ours = "A=B" if first == 0.5 else "A>B" if first > 0.5 else "B>A"
            recorded[judged["decision"]] += 1
            if ours != judged["decision"]:
                differing[row["pair_id"][:8], game] = (judged["decision"], first)
    assert recorded == {"A>B": 212, "A=B": 192, "B>A": 123, None: 13}
    assert differing == {key: (None, first) for key, first in UNDECIDED_THERE.items()}


@pytest.mark.parametrize("model", ["gemma-2b-it", "gpt-3.5-turbo-0125", "reka-edge"])
def test_golden_wildbench_scores(model):
    template = load_template("pointwise/wildbench-score")
    official = json.loads((DATA / "wildbench" / "official_score.json").read_text())[model]
    scores = []
    for row in rows(f"wildbench/score_v2_gpt-4o-2024-05-13/{model}.json.gz"):
        instruction = Instruction((row["session_id"],))
        reading = Reading("j", instruction, Output(instruction.key, model, str(row["model_output"])))
        verdict = parse(Completion(json.dumps(row["parsed_result"])), template, reading)
        assert verdict.status is Status.OK
        scores.append(verdict.score)
    assert len(scores) == official["total"]
    assert sum(scores) / len(scores) == pytest.approx(official["score"], abs=1e-9)
    assert wb_score(scores) / 10 == pytest.approx(official["adjusted_score"], abs=1e-6)


@pytest.mark.parametrize("model", ["claude-2", "NullModel", "gemma-2b-it"])
def test_golden_alpaca_eval_preferences_from_their_recorded_log_probabilities(model):
    """The recorded preference is for one of the two orders, which the file does not state."""
    scale = LabelScale((Label("m", 1.0), Label("M", 0.0)), case_sensitive=True)
    template = replace(load_template("pairwise/two-way"), scale=scale, reply=ReplyFormat(soft=True, min_mass=0.0))
    compared = 0
    for row in rows(f"alpaca_eval/{model}/annotations.json.gz"):
        choice = row.get("raw_completion")
        if not choice or row["preference"] is None:
            continue
        tokens = tuple(
            TokenLogprob(t["token"], t["logprob"], tuple((o["token"], o["logprob"]) for o in t["top_logprobs"]))
            for t in choice["logprobs"]["content"]
        )
        completion = Completion(choice["message"]["content"], finish_reason=choice["finish_reason"], logprobs=tokens)
        verdict = parse(completion, template, Order.AB)
        recorded = 2 - row["preference"]  # of output_1
        assert min(abs(verdict.preference - recorded), abs(1 - verdict.preference - recorded)) < 1e-6
        compared += 1
    assert compared > 700


def test_skywork_rewards_decide_as_recorded_but_for_the_exact_tie():
    """The tool that recorded them gives an exact tie to the response shown second, in both games."""
    template, ties = load_template("pointwise/reward"), 0
    for row in rows("scalerlab_judgebench/Skywork-Reward-Llama-3.1-8B_on_gpt-4o.jsonl.gz"):
        for judged in row["judgments"]:
            scores = [parse(Completion(str(r)), template, Order.AB).score for r in judged["judgment"]["scores"]]
            preference = (1 + np.sign(scores[0] - scores[1])) / 2
            ties += preference == 0.5
            assert judged["decision"] == ("A>B" if preference == 1 else "B>A")
    assert ties == 2  # one pair, both games
