"""LMArena's ratings against plain implementations of the published formulas, on published and on made votes."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit

import judgebench
from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.board import ScorerInput, ScoringChoices
from judgebench.leaderboard.published.lmarena import score
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.leaderboard.published.test_wildbench import compared

TEN = np.log(10)


def arena_rank(a: np.ndarray, b: np.ndarray, won: np.ndarray, k: int) -> np.ndarray:
    """Bradley-Terry as arena-rank fits it: from 0, by gradient, to a mean of 1000."""

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        logit = theta[a] - theta[b]
        error = won - expit(logit)
        gradient = np.bincount(b, weights=error, minlength=k) - np.bincount(a, weights=error, minlength=k)
        return -float(won @ log_expit(logit) + (1 - won) @ log_expit(-logit)) / len(won), gradient / len(won)

    theta = minimize(loss, np.zeros(k), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000}).x
    return 1000 + 400 / TEN * (theta - theta.mean())


@pytest.mark.slow
@pytest.mark.shared
def test_golden_votes_of_llmfao_rate_as_arena_rank_rates_them(shared: Path) -> None:
    path, database = shared / "data" / "llmfao" / "votes.csv.gz", Database(":memory:", create=True)
    import_file(database, path, benchmark="llmfao", options=ImportOptions(audit=False))
    frame = judgebench.rank(database, benchmark="llmfao", profile="lmarena", by="people")
    with gzip.open(path, "rt") as lines:
        votes = pd.DataFrame(csv.DictReader(lines))
    left, right, winner = (votes[name] for name in ("left", "right", "winner"))
    models = sorted({*left, *right})
    codes = [np.array([models.index(name) for name in side]) for side in (left, right)]
    won = winner.map({"left": 1.0, "right": 0.0, "tie": 0.5}).to_numpy()
    expected = dict(zip(models, arena_rank(*codes, won, len(models)), strict=True))
    assert len(frame) == 59
    assert max(abs(row.rating - expected[row.model]) for row in frame.itertuples()) < 0.02
    assert frame["style_controlled"].isna().all()
    reason = frame.attrs["rows"][0]["numbers"]["style_controlled"]["reason"]
    assert reason == "the outputs are not known, so neither is their style"
    assert frame.attrs["judges"] == []


def test_style_control_is_the_published_fit() -> None:
    rng = np.random.default_rng(2)
    names, n = ["ant", "bee", "cat", "dog"], 400
    pairs = [rng.choice(4, 2, replace=False) for _ in range(n)]
    rows = [
        (at, names[one], names[other], float(rng.choice([0.0, 0.5, 1.0])), *rng.integers(40, 4000, 2))
        for at, (one, other) in enumerate(pairs)
    ]
    table = compared(rows)
    style = {name: rng.integers(0, 9, (n, 4)).astype(np.float64) for name in ("headers", "lists", "bold")}
    board = score(ScorerInput(PROFILES["lmarena"], {}, verdicts=table, style=style), ScoringChoices("lmarena"))
    at = np.arange(n)
    one, other = (
        np.column_stack([length / 4, *(style[name][at, model] for name in style)])
        for length, model in ((table.length_a, table.model_a), (table.length_b, table.model_b))
    )
    z = (one - other) / (one + other + 1)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    x = np.zeros((n, 8))
    x[at, table.model_a], x[at, table.model_b], x[:, 4:] = TEN, -TEN, z

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        logit, y = x @ w, table.preference
        value = -(y @ log_expit(logit) + (1 - y) @ log_expit(-logit)) + 0.25 * w @ w
        return float(value), x.T @ (expit(logit) - y) + 0.5 * w

    fit = minimize(loss, np.zeros(8), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    ours = {row.model: row.numbers["style_controlled"] for row in board.rows}
    for code, name in enumerate(names):
        known = ours[name]
        assert known.value == pytest.approx(1000 + 400 * fit[code], abs=1e-3)
        assert known.lower is not None
        assert known.upper is not None
        assert known.lower < known.upper
