"""A sentence says only what the numbers prove; what is missing comes with the command that would give it."""

from dataclasses import replace

from judgebench.estimate import unidentified
from judgebench.show.sentences import basis, effects, leader, lost_words, movement, not_shown, remedy, summary, unseen
from judgebench.show.tables import moves
from tests.show.factories import board, known, ledger


def test_two_that_cannot_be_told_apart_and_one_below_both() -> None:
    assert summary(board([0.61, 0.60, 0.2], 0.02)) == "A and B cannot be told apart; C is below both."


def test_one_that_leads() -> None:
    assert summary(board([0.9, 0.5, 0.1], 0.02)) == "A leads; B is below A; C is below both."


def test_a_leader_that_a_model_further_down_may_pass_is_not_said_to_lead() -> None:
    sure = board([0.9, 0.5, 0.1], 0.02)
    first, *others = sure.rows
    assert summary(replace(sure, rows=(replace(first, rank_upper=2), *others))).startswith(
        "A comes first, but not for certain; B is below A"
    )


def test_the_first_sentence_has_the_number_its_interval_and_what_the_ranks_prove() -> None:
    sure = board([0.9, 0.5, 0.1], 0.02)
    assert leader(sure).startswith("A leads, win rate 90.0% [")
    assert "(95% interval): rank 1 of 3, with ranks that hold for all models at once." in leader(sure)
    near = leader(board([0.61, 0.60, 0.2], 0.02))
    assert near.startswith("A comes first, but not for certain, ")
    assert "rank 1-2 of 3" in near
    assert "95% interval" not in leader(board([0.6, 0.4], 0.1, method="elo"))


def test_below_the_leader_only_others_are_spoken_of() -> None:
    assert summary(board([0.9, 0.5, 0.1], 0.02), with_leader=False) == "B is below A; C is below both."
    near = summary(board([0.61, 0.60, 0.2], 0.02), with_leader=False)
    assert near == "B cannot be told apart from A; C is below both."
    assert summary(board([0.5], 0.1), with_leader=False) == ""


def test_a_model_below_some_of_those_above_is_not_said_to_be_below_all() -> None:
    # B is separated from neither neighbour, A from C.
    sentence = summary(board([0.60, 0.54, 0.48], 0.025))
    assert sentence == "A and B cannot be told apart; C is below A."


def test_long_boards_are_summed_up() -> None:
    sentence = summary(board([0.9, 0.8, 0.7, 0.6, 0.5], 0.01))
    assert sentence.endswith("2 models further down in 2 more tiers.")


def test_a_single_model_leads() -> None:
    assert summary(board([0.5], 0.1)) == "A leads."


def test_what_a_reader_must_know_of_the_method_is_said() -> None:
    assert "Note: odd" in basis(board([0.6, 0.4], 0.1, notes=("odd",)))


def test_a_spread_over_orders_is_called_no_interval() -> None:
    said = " ".join(basis(board([0.6, 0.4], 0.1, method="elo")))
    assert "Beside ratings: " in said
    assert "95% intervals" not in said


def test_a_flagged_model_is_in_no_tier() -> None:
    plain = board([0.9, 0.5, 0.1], 0.02)
    apart = replace(plain.rows[0], rank=None, rank_lower=None, rank_upper=None, tier=None)
    assert summary(replace(plain, rows=(*plain.rows[1:], apart))) == summary(replace(plain, rows=plain.rows[1:]))


def test_changes_of_places_are_said_with_their_lead_and_with_severe_findings() -> None:
    rates = {"a": (0.4, 0.7), "b": (0.6, 0.5)}
    board = ledger(rates, (("a", "b"),), {"b": "audit: near-copy"})
    tail = "a (40.0% to 70.0%) would pass b (60.0% to 50.0%; audit: near-copy): "
    tail += "it would lead by +20.0 points [+10.0, +30.0]."
    assert movement(board.entries[0]) == [f"Without length beyond people, {tail}"]
    assert movement(board.together) == [f"Without length beyond people, position, {tail}"]


def test_without_labels_nobody_is_said_to_pass_another() -> None:
    board = ledger({"a": (0.4, 0.7), "b": (0.6, 0.5)}, (("a", "b"),))
    unlabelled = replace(board.together, removed="position, length with its quality", with_quality=True)
    said = movement(unlabelled)
    assert said[0].startswith("Without position, length with its quality, a (40.0% to 70.0%) stands above b (")
    assert said[-1].startswith("No judge is found wrong by that: nobody labelled")
    assert "pass" not in " ".join(said)
    assert [move.passes for move in moves(replace(board, together=unlabelled))] == [(), ()]
    assert [move.passes for move in moves(board)] == [("b",), ()]


def test_another_order_alone_is_no_change_of_places() -> None:
    assert movement(ledger({"a": (0.4, 0.7), "b": (0.6, 0.5)}).together) == ["No change of places is shown."]


def test_many_changes_of_places_are_counted() -> None:
    names = [f"m{number}" for number in range(8)]
    sentences = movement(
        ledger(dict.fromkeys([*names, "b"], (0.4, 0.7)), tuple((name, "b") for name in names)).together
    )
    assert (len(sentences), sentences[-1]) == (6, "3 more pairs would change places.")


def test_effects_say_their_interval_or_why_there_is_none() -> None:
    assert effects(ledger({"a": (0.4, 0.7)})) == [
        "length coefficient: 0.400 [0.300, 0.500] log-odds a unit; "
        "twice as long adds +10.0 points [+8.0, +12.0] of win rate at equal quality.",
        "family coefficient: not identified, nothing is declared.",
    ]


def test_what_is_missing_comes_with_the_command_that_gives_it() -> None:
    assert remedy(known(0.5), "b") == ""
    assert "--repeats 3" in remedy(unidentified("no trial was repeated"), "b")
    assert "--benchmark 'my b'" in remedy(unidentified("something else"), "my b")


def test_what_a_judge_does_not_see_is_one_sentence_or_none() -> None:
    assert not_shown({"reasoning": 1, "image": 1200}) == ["not shown to the judge: image (1,200), reasoning (1)"]
    assert not_shown({}) == unseen(0) == []
    assert unseen(1) == ["1 trial cannot be judged: the outputs differ only in what the template does not show"]


def test_what_a_form_loses_is_said_in_words() -> None:
    lost = {"error": 4, "tool": 1200, "odd\n": 1}
    assert lost_words(lost) == "that a call failed (4), tool definitions (1,200), parts of type odd (1)"
