"""What hindsight changes, in words and rows."""

from judgebench.estimate import Estimate
from judgebench.records import Instruction, Status
from judgebench.services.hindsight import ChangedTrial, Hindsight, HindsightPart
from judgebench.show import hindsight

KNOWN = Estimate(-0.5, -0.6, -0.4, 0.95, "m", 4)
PART = HindsightPart("", 4, KNOWN, KNOWN, KNOWN)


def read(*, is_score: bool) -> Hindsight:
    models = ("m",) if is_score else ("a", "b")
    changed = ChangedTrial(Instruction(("One?",), "c"), models, 1.0, 0.25)
    without = ({Status.FAILED: 2}, {})
    return Hindsight("bench", "j", "k", is_score, (1, 0), without, PART, (), (PART,), (changed,))


def test_what_was_left_out_is_said() -> None:
    lines = hindsight.sentences(read(is_score=True))
    assert lines[1] == "1 trial by j alone, left out; trials without a verdict: failed (2)"
    assert len(lines) == 2


def test_only_scores_have_one_difference_of_all() -> None:
    labels = [line.label for line in hindsight.labelled(read(is_score=False))]
    assert labels == ["mean size of the difference", "another winner"]
    assert next(hindsight.labelled(read(is_score=True))).unit == "score"


def test_rows_have_both_readings() -> None:
    (row,) = hindsight.rows(read(is_score=False))
    assert (row["model_a"], row["model_b"], row["before"], row["difference"]) == ("a", "b", 1.0, -0.75)
    assert hindsight.document(read(is_score=False))["without"] == [{"failed": 2}, {}]
