"""What voters read: nothing that others wrote is markup; what judges said is said of the outputs in the order shown."""

import pytest

from app import voting
from app.views import votes
from judgebench import services
from judgebench.estimate import unidentified
from judgebench.records import HumanLabel, Output
from judgebench.services.labels import PairToLabel, Progress
from judgebench.show.conversations import passages
from judgebench.stats.vote_goals import VoteGoal
from judgebench.store.database import Database
from tests.app.hostile import ATTACK
from tests.app.views.harmless import harmless
from tests.factories import instruction, ok, result, trial
from tests.filling import filled

PROGRESS = Progress(3, 4, 50, unidentified("no vote", n=3), VoteGoal(25, 20, 30, 0.2, is_all=False))


@pytest.mark.parametrize("rendered", [True, False])
def test_an_attack_in_an_output_stays_text(rendered: bool) -> None:
    prompt, answer = instruction(0), Output(instruction(0).key, "alpha", ATTACK)
    [passage] = passages(prompt, (answer, answer))
    html = votes.reading(passage.replies[0], "First", rendered=rendered, images={})
    inner = html.removeprefix('<div class="jb-read" tabindex="0" role="region" aria-label="First">')
    assert harmless(inner)
    assert "&lt;script&gt;" in html


def test_judges_are_quoted_for_the_outputs_in_the_order_shown(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(0.9))])  # for alpha
    for who, winner in (("ann", "alpha"), ("bob", "beta"), ("me", "beta")):
        label = HumanLabel.of(who, instruction(0).key, first=winner, second="beta" if winner == "alpha" else "alpha",
                              preference=1.0)  # fmt: skip
        services.labels.vote(database, "bench", label)
    battle = services.battles.battle(database, "bench", instruction(0).key, "alpha", "beta")
    pair = PairToLabel(battle.instruction, battle.outputs[0][1], battle.outputs[0][0])  # beta was shown first
    [opinion] = votes.opinions(battle, pair)
    assert opinion.toward_first == (pytest.approx(0.1),)
    told = votes.revealed(battle, pair, votes.CHOICES[0], "me")
    assert "<strong>First:</strong> beta" in told
    assert "the second</td><td>90.0% in 1 verdict</td><td>differs" in told
    assert "Of 2 other voters, 1 preferred the first, 1 the second." in told


def test_the_goal_says_how_many_votes_tell_how_much() -> None:
    words = (
        "3 of about 25 votes: at about 25 (20 to 30), how often you agree with the mean of all judges is known "
        "to within 20 points."
    )
    assert votes.goal(PROGRESS) == words
    assert "the mean of all judges that compared the pair, pooled" in votes.agreed(PROGRESS)


def test_what_voters_are_told_and_whether_is_chosen_at_the_start() -> None:
    assert voting.reveals({})
    assert not voting.reveals({voting.REVEAL_VARIABLE: "no"})
