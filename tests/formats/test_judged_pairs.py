"""What all that was said about two outputs says together."""

import pytest

from judgebench.conversations import Call, Conversation, Message, Text
from judgebench.formats.judged_pairs import JudgedPair, chat, judged_pairs, labelled_pairs, of_one_turn
from judgebench.records import Instruction, Order, Output
from tests.judged import QUESTION, label, output, recorded


def pair(*preferences: tuple[float | None, Order | None]) -> JudgedPair:
    (only,) = judged_pairs([recorded(preference, order) for preference, order in preferences])
    return only


@pytest.mark.parametrize(
    ("preferences", "mean", "agree"),
    [
        ([(1.0, Order.AB), (0.75, Order.BA)], 0.875, True),
        ([(0.0, Order.AB), (0.25, Order.BA)], 0.125, True),
        ([(1.0, Order.AB), (0.0, Order.BA)], 0.5, False),
        ([(1.0, Order.AB), (0.5, Order.BA)], 0.75, False),
        ([(1.0, Order.AB), (None, Order.BA)], 1.0, None),
        ([(1.0, None)], 1.0, None),
        ([(None, Order.AB)], None, None),
    ],
)
def test_verdicts_of_both_orders_are_one(
    preferences: list[tuple[float | None, Order | None]], mean: float | None, agree: bool | None
) -> None:
    both = pair(*preferences)
    assert (both.preference, both.orders_agree) == (mean, agree)


def test_pairs_are_of_one_judge_and_readings_of_none() -> None:
    scored = recorded(None, None, sides=(output("alpha", "one"), None))
    assert [len(each.verdicts) for each in judged_pairs([recorded(1.0), scored, recorded(0.0, Order.BA)])] == [2]


def test_confidence_is_the_least_mass_and_of_people_the_share_that_agrees() -> None:
    sure, unsure, unknown = recorded(1.0, mass=0.9), recorded(1.0, Order.BA, mass=0.5), recorded(1.0, repeat=1)
    assert [each.confidence for each in judged_pairs([sure, unsure])] == [0.5]
    assert [each.confidence for each in judged_pairs([sure, unknown])] == [None]
    sides = (QUESTION, output("alpha", "one"), output("beta", "two"))
    votes = [(*sides, label(value, name)) for value, name in ((1.0, "a"), (1.0, "b"), (0.0, "c"), (0.5, "d"))]
    (voted,) = labelled_pairs(votes)
    assert (voted.preference, voted.confidence, voted.judge, voted.orders_agree) == (0.625, 0.5, None, None)


def test_the_rationale_names_the_winner() -> None:
    (both,) = judged_pairs([recorded(0.4, reply="B"), recorded(0.9, Order.BA, reply="A"), recorded(None, reply="?")])
    assert both.rationale == "A"


def test_a_chat_has_every_message_in_its_place() -> None:
    asked = Instruction(("q", "r"), full=Conversation((Message("system", (Text("s"),)), *said("q", "r"))))
    assert chat(asked, output("m", "b", asked, earlier=("a",))) == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "r"},
        {"role": "assistant", "content": "b"},
    ]


def said(*turns: str) -> tuple[Message, ...]:
    return tuple(Message("user", (Text(turn),)) for turn in turns)


def test_what_is_more_than_texts_is_no_chat() -> None:
    given = Message("assistant", (Call("f", "{}", "1"),))
    called = Instruction(("q",), full=Conversation((*said("q"), given)))
    assert chat(called, output("m", "a", called)) is None
    assert chat(QUESTION, output("m", "a", earlier=("too", "many"))) is None


def test_one_turn_is_one_text_and_the_first_output() -> None:
    two = Instruction(("q", "r"))
    assert of_one_turn(QUESTION, output("m", "a"))
    assert not of_one_turn(two, output("m", "a", two, earlier=("b",)))
    assert not of_one_turn(QUESTION, Output(QUESTION.key, "m", "a", sample=1))
