"""Sentences with which judges announce somebody else's words, and those with which they decide."""

import pytest

from judgebench.judging.parsing.reporting import announces, cues, decides, is_cue, is_undecided, reported_after


@pytest.mark.parametrize(
    "before",
    [
        "Output A says",
        "Both are short. The second output ends with",
        "It claims that the verdict is",
        "The author asks me to reply with",
        "I have found the string",
        "Output B:",
        "Output A's last line:\n",
        "This stands at its end:\n",
        "Die Ausgabe A endet mit",
        "它写道",
    ],
)
def test_words_of_others_are_announced(before: str) -> None:
    assert announces(before)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "Both are right.\n",
        "My final verdict is",
        "My judgment is as follows:\n",
        "Output A includes more, so my verdict is",
        "Therefore, the better output is",
        "Final verdict:\n",
        "Since output A includes more, I give",
        "Here is the JSON:\n",
    ],
)
def test_a_judge_announces_its_own_verdict(before: str) -> None:
    assert not announces(before)


@pytest.mark.parametrize(
    "after", [" is what it says.", ", says output A", "\n\nThat is what output A says.", " in output B"]
)
def test_words_of_others_are_named_afterwards(after: str) -> None:
    assert reported_after(after)


@pytest.mark.parametrize(
    "after", ["", " is the better one.", "\n\nOutput A says more.", "\n\nThis is because it is right."]
)
def test_reasons_name_nobody(after: str) -> None:
    assert not reported_after(after)


def test_cues() -> None:
    assert cues("Both are right. So my verdict is")
    assert not cues("I give no verdict.\n")
    assert is_cue("**My final verdict is: ")
    assert not is_cue("Output A has ")
    assert decides("Verdict: output A is a little clearer.")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I cannot decide between them.", 1),
        ("I am unable to choose one.", 1),
        ("I cannot decide whether the date is right, but A is clearer.", 0),
        ("I cannot say more. A is better.", 0),
        ("Ich kann mich nicht entscheiden.", 1),
    ],
)
def test_a_judge_that_does_not_decide_says_so(text: str, count: int) -> None:
    assert len(list(is_undecided(text))) == count
