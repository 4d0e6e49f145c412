"""Peer rank: judges that are models of the board weigh by their own rank."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from judgebench.errors import StatisticsError
from judgebench.leaderboard import Choices
from judgebench.leaderboard.build import build
from judgebench.stats.peer_rank import peer_rank
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.win_rate import win_rates
from tests.stats.factories import table_of

NAMES = ("ant", "bee", "cat", "dog", "eel")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def field(
    rng: np.random.Generator,
    strengths: dict[str, float],
    accuracy: dict[str, float],
    *,
    instructions: int = 40,
    own: float = 0.0,
) -> VerdictTable:
    """Every pair judged by every judge: right with its ``accuracy``, else by a coin; ``own``: log-odds for itself."""
    rows = []
    for number in range(instructions):
        quality = {name: strength + rng.normal(0, 0.5) for name, strength in strengths.items()}
        for a, b in combinations(strengths, 2):
            better = quality[a] > quality[b]
            for judge, sharp in accuracy.items():
                favour = own * ((judge == a) - (judge == b))
                told = better if rng.random() < sharp else rng.random() < 0.5
                told = told if favour == 0 else rng.random() < expit(favour + (2 if told else -2))
                rows.append((a, b, float(told), f"i{number:04}", judge))
    table = table_of(rows, models=tuple(sorted(strengths)))
    return replace(table, judge_models=table.judges)


def by_hand(table: VerdictTable) -> dict[str, float]:
    """The scores by dictionaries, of a table in which every peer judged every other pair."""
    peers = [name for name in table.judges if name in table.models]
    rows = list(zip(table.model_a, table.model_b, table.judge, table.preference, strict=True))
    rates: dict[tuple[str, str], float] = {}
    sizes: dict[tuple[str, str], float] = {}
    for peer in peers:
        for a, b, judge, preference in rows:
            names = table.models[a], table.models[b]
            if table.judges[judge] != peer or peer in names:
                continue
            share = 1 / sum(other not in names for other in peers)
            for name, won in zip(names, (preference, 1 - preference), strict=True):
                rates[peer, name] = rates.get((peer, name), 0.0) + share * won
                sizes[peer, name] = sizes.get((peer, name), 0.0) + share
    weights = dict.fromkeys(peers, 1 / len(peers))
    for _ in range(300):
        score = {
            name: sum(weights[peer] * rates.get((peer, name), 0) for peer in peers)
            / sum(weights[peer] * sizes.get((peer, name), 0) for peer in peers)
            for name in table.models
        }
        weights = {peer: score[peer] / sum(score[other] for other in peers) for peer in peers}
    return score


def test_scores_are_those_of_the_formulas_written_out(rng: np.random.Generator) -> None:
    strengths = dict(zip(NAMES, (0.9, 0.5, 0.0, -0.4, -0.9), strict=True))
    table = field(rng, strengths, {"ant": 0.9, "bee": 0.7, "cat": 0.5}, instructions=15)
    ranked = peer_rank(table)
    assert ranked.peers == ("ant", "bee", "cat")
    assert dict(zip(ranked.models, ranked.score, strict=True)) == pytest.approx(by_hand(table), abs=1e-8)
    assert ranked.weight.sum() == pytest.approx(1)
    assert ranked.weight[0] > ranked.weight[1] > ranked.weight[2] > 0


@given(st.permutations(range(5)), st.integers(0, 20))
def test_names_do_not_matter(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = field(rng, dict.fromkeys(NAMES, 0.0), {"ant": 0.8, "bee": 0.6, "eel": 0.4}, instructions=4)
    called = dict(zip(NAMES, (NAMES[at] for at in order), strict=True))
    rows = [
        (called[table.models[a]], called[table.models[b]], y, table.instructions[i], called[table.judges[j]])
        for a, b, i, j, y in zip(
            table.model_a, table.model_b, table.instruction, table.judge, table.preference, strict=True
        )
    ]
    other = table_of(rows, models=NAMES)
    other = replace(other, judge_models=other.judges)
    ranked = peer_rank(table)
    again = dict(zip(NAMES, peer_rank(other).score, strict=True))
    for name, score in zip(ranked.models, ranked.score, strict=True):
        assert again[called[name]] == pytest.approx(score, abs=1e-7)


@given(st.integers(0, 30))
def test_where_peers_weigh_alike_it_is_the_board_of_the_same_verdicts(seed: int) -> None:
    """Two peers that mirror each other have equal scores, so that their weights are one half each."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(6):
        y, z = rng.choice([0.0, 0.5, 1.0], 2)
        for one, other in (("ant", "bee"), ("bee", "ant")):
            rows += [(one, "cat", y, f"i{number}", other), (one, "dog", z, f"i{number}", other)]
            rows += [("cat", "dog", float(rng.random() < 0.5), f"i{number}", one)]
    table = table_of(rows)
    table = replace(table, judge_models=table.judges)
    ranked = peer_rank(table)
    assert ranked.weight == pytest.approx([0.5, 0.5])
    np.testing.assert_allclose(ranked.score, win_rates(table).rate, atol=1e-9)


def test_own_outputs_and_judges_that_are_no_models_count_for_nothing(rng: np.random.Generator) -> None:
    strengths = dict(zip(NAMES, (0.9, 0.5, 0.0, -0.4, -0.9), strict=True))
    table = field(rng, strengths, {"ant": 0.9, "bee": 0.9, "stranger": 0.0})
    vain = field(np.random.default_rng(1), strengths, {"ant": 0.9, "bee": 0.9})
    at = {judge: [name in (table.models[a], table.models[b]) for a, b in zip(table.model_a, table.model_b, strict=True)]
          for judge, name in ((0, "ant"), (1, "bee"))}  # fmt: skip
    own = np.where(table.judge == 0, at[0], np.where(table.judge == 1, at[1], False))
    ranked = peer_rank(table)
    assert (ranked.others, ranked.own) == (("stranger",), int(own.sum()))
    flattered = replace(table, preference=np.where(own, 1 - table.preference, table.preference))
    np.testing.assert_array_equal(peer_rank(flattered).score, ranked.score)
    assert len(vain.judges) == 2


def test_known_strengths_come_back_from_vain_and_careless_judges(rng: np.random.Generator) -> None:
    """Recovery: judges prefer themselves, and better models judge better; pooling all verdicts alike is misled."""
    strengths = {f"m{at}": 1.2 - 0.3 * at for at in range(8)}
    accuracy = {"m0": 0.9, "m2": 0.7, "m5": 0.3, "m6": 0.2, "m7": 0.1}
    truth = np.arange(8)
    weighted, plain = [], []
    for _ in range(12):
        table = field(rng, strengths, accuracy, instructions=30, own=6.0)
        weighted.append(np.corrcoef(np.argsort(np.argsort(-peer_rank(table).score)), truth)[0, 1])
        plain.append(np.corrcoef(np.argsort(np.argsort(-win_rates(table).rate)), truth)[0, 1])
    assert np.mean(weighted) > 0.95
    assert np.mean(weighted) > np.mean(plain) + 0.05


@pytest.mark.slow
def test_intervals_hold_what_more_instructions_would_say() -> None:
    """Coverage of the scores that 4,000 instructions give: 95 % within Monte-Carlo error of 60 draws by 5 models."""
    strengths = dict(zip(NAMES, (0.9, 0.5, 0.0, -0.4, -0.9), strict=True))
    accuracy = {"ant": 0.9, "bee": 0.7, "cat": 0.5}
    truth = peer_rank(field(np.random.default_rng(0), strengths, accuracy, instructions=2000)).score
    held = []
    for draw in range(60):
        table = field(np.random.default_rng(100 + draw), strengths, accuracy, instructions=40)
        rows = {row.model: row.estimate for row in build(table, Choices(method="peer-rank")).rows}
        held += [low <= value <= high for (low, high), value in
                 ((rows[name].ends, value) for name, value in zip(NAMES, truth, strict=True))]  # fmt: skip
    assert 0.92 <= np.mean(held) <= 1.0


def test_a_few_alike_instructions_are_no_certainty() -> None:
    rows = [
        (a, b, 1.0, f"i{number}", judge)
        for number in range(3)
        for a, b in combinations(NAMES, 2)
        for judge in ("ant", "bee", "cat")
    ]
    table = table_of(rows)
    board = build(replace(table, judge_models=table.judges), Choices(method="peer-rank"))
    for row in board.rows:
        low, high = row.estimate.ends
        assert high - low > 0.05
    assert any("verdicts of judges on their own outputs are left out" in note for note in board.notes)


def test_against_a_baseline_it_stays_at_one_half(rng: np.random.Generator) -> None:
    table = field(rng, dict.fromkeys(NAMES, 0.0), {"ant": 0.8, "bee": 0.6, "cat": 0.4}, instructions=20)
    board = build(table, Choices(method="peer-rank", baseline="dog"))
    [row] = [row for row in board.rows if row.model == "dog"]
    assert (row.rating, row.lower, row.upper) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("judge_models", "words"),
    [
        (None, "there are 0"),
        (("other", "another", "third"), "there are 0 .*ant asks other"),
        (("ant", "another", "third"), "there are 1 "),
    ],
)
def test_judges_that_are_no_models_are_refused(
    rng: np.random.Generator, judge_models: tuple[str, ...] | None, words: str
) -> None:
    table = field(rng, dict.fromkeys(NAMES, 0.0), {"ant": 0.8, "bee": 0.6, "cat": 0.4}, instructions=2)
    with pytest.raises(StatisticsError, match=words):
        peer_rank(replace(table, judge_models=judge_models))


def test_a_peer_that_nobody_judged_has_no_weight() -> None:
    rows = [("ant", "cat", 1.0, f"i{number}", "bee") for number in range(3)]
    rows += [("bee", "cat", 1.0, f"i{number}", "bee") for number in range(3)]
    rows += [("cat", "dog", 1.0, f"i{number}", "ant") for number in range(3)]
    table = table_of(rows)
    with pytest.raises(StatisticsError, match="judged bee, so that its own weight is not known"):
        peer_rank(replace(table, judge_models=table.judges))


def test_several_judges_of_one_llm_are_one_peer(rng: np.random.Generator) -> None:
    strengths = dict(zip(NAMES, (0.9, 0.5, 0.0, -0.4, -0.9), strict=True))
    table = field(rng, strengths, {"ant": 0.9, "bee": 0.7, "bee, again": 0.7})
    ranked = peer_rank(replace(table, judge_models=("ant", "bee", "bee")))
    assert ranked.peers == ("ant", "bee")
