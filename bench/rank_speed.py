"""Bradley-Terry from a table of (model_a, model_b, winner) strings, beside other packages, in one run on one core.

    taskset -c 0 python bench/rank_speed.py            # 200 models, 1,000,000 battles
    taskset -c 0 python bench/rank_speed.py --large    # 500 models, 10,000,000 battles, this package only

evalica takes part where it is installed; arena-rank, which pins jax, needs an environment of its own: pass its python
with --arena-rank. Times are the fastest of several warm runs; errors are against a Newton fit in long double.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from judgebench.stats.bradley_terry import fit_bradley_terry, fit_pair_counts
from judgebench.stats.outcome_columns import count_outcomes
from judgebench.stats.verdict_table import VerdictTable

ELO = 400 / np.log(10)
ARENA_RANK = """
import json, sys, time, pandas as pd
from arena_rank.utils.data_utils import PairDataset
from arena_rank.models.bradley_terry import BradleyTerry
frame = pd.read_parquet(sys.argv[1])
times = []
for _ in range(5):
    start = time.perf_counter()
    data = PairDataset.from_pandas(frame)
    result = BradleyTerry(n_competitors=len(data.competitors)).compute_ratings_and_cis(data, significance_level=0.05)
    times.append(time.perf_counter() - start)
print(json.dumps({"times": times, "ratings": dict(zip(result["competitors"], map(float, result["ratings"])))}))
"""


def battles(models: int, rows: int, seed: int = 0) -> pd.DataFrame:
    """Davidson battles, about 27 % ties, uneven popularity, strengths of standard deviation 120 Elo points."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 120 / ELO, models)
    popularity = rng.dirichlet(np.full(models, 2.0))
    a, b = (rng.choice(models, rows, p=popularity) for _ in range(2))
    b = np.where(a == b, (b + 1) % models, b)
    half = np.exp((theta[a] - theta[b]) / 2)
    total = half + 1 / half + 0.75
    u = rng.random(rows)
    winner = np.where(u < half / total, 0, np.where(u < (half + 1 / half) / total, 1, 2))
    names = np.array([f"model-{i:04d}" for i in range(models)])
    labels = np.array(["model_a", "model_b", "tie"])
    return pd.DataFrame({"model_a": names[a], "model_b": names[b], "winner": labels[winner]})


def exact(frame: pd.DataFrame) -> np.ndarray:
    """Centred optimum in long double."""
    counts = count_outcomes(frame["model_a"], frame["model_b"], frame["winner"])
    wins, n = counts.wins.astype(np.longdouble), counts.verdicts.astype(np.longdouble)
    theta = fit_pair_counts(counts).theta.astype(np.longdouble)
    information = None
    for _ in range(4):
        p = 1 / (1 + np.exp(theta[None, :] - theta[:, None]))
        if information is None:
            edges = (n * p * (1 - p)).astype(float)
            information = np.diag(edges.sum(axis=1)) - edges + 1.0
        theta = theta + np.linalg.solve(information, (wins - n * p).sum(axis=1).astype(float))
    return (theta - theta.mean()).astype(float)


def timed(action, repeats: int = 5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return min(times), result


def error(theta: np.ndarray, optimum: np.ndarray) -> float:
    return float(np.abs(theta - theta.mean() - optimum).max() * ELO)


def show(name: str, seconds: float, off: float | None = None, note: str = "") -> None:
    print(f"{name:52s} {seconds:9.4f} s  " + (f"{off:9.1e} Elo" if off is not None else " " * 13) + f"  {note}")


def ours(frame: pd.DataFrame, optimum: np.ndarray) -> None:
    columns = frame["model_a"], frame["model_b"], frame["winner"]
    seconds, ratings = timed(lambda: fit_pair_counts(count_outcomes(*columns)), 9)
    show("judgebench, strings to ratings with sandwich", seconds, error(ratings.theta, optimum))
    lists = [column.tolist() for column in columns]
    show("judgebench, the same from Python lists", timed(lambda: fit_pair_counts(count_outcomes(*lists)), 3)[0])
    counts = count_outcomes(*columns)
    show("judgebench, fit and intervals from stored counts", timed(lambda: fit_pair_counts(counts), 20)[0])


def clustered(frame: pd.DataFrame, instructions: int = 5000) -> None:
    rng = np.random.default_rng(1)
    models, a = np.unique(frame["model_a"].to_numpy(dtype=object), return_inverse=True)
    b = np.searchsorted(models.astype(str), frame["model_b"].to_numpy(dtype=str))
    n = len(frame)
    zeros = np.zeros(n, dtype=np.int32)
    table = VerdictTable(
        models=tuple(models),
        instructions=tuple(map(str, range(instructions))),
        judges=("judge",),
        model_a=a.astype(np.int32),
        model_b=b.astype(np.int32),
        instruction=rng.integers(0, instructions, n).astype(np.int32),
        judge=zeros,
        order=zeros.astype(np.int8),
        preference=frame["winner"].map({"model_a": 1.0, "model_b": 0.0, "tie": 0.5}).to_numpy(dtype=float),
        length_a=zeros,
        length_b=zeros,
    )
    show(
        f"judgebench, clustered over {instructions} instructions, from codes",
        timed(lambda: fit_bradley_terry(table))[0],
    )


def peers(frame: pd.DataFrame, optimum: np.ndarray) -> None:
    names = sorted(set(frame["model_a"]) | set(frame["model_b"]))
    try:
        import evalica
    except ImportError:
        print("evalica is not installed")
        return
    outcome = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    a, b = frame["model_a"].tolist(), frame["model_b"].tolist()
    w = [outcome[label] for label in frame["winner"]]
    seconds, result = timed(lambda: evalica.bradley_terry(a, b, w), 5)
    show("evalica, point fit only, lists ready", seconds, error(np.log(result.scores[names].to_numpy()), optimum))


def fastchat(frame: pd.DataFrame, optimum: np.ndarray) -> None:
    """FastChat's published algorithm, reimplemented from its description: pandas counts, then scipy's L-BFGS-B."""
    from scipy.optimize import minimize

    def fit():
        codes, names = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]), sort=True)
        n = len(frame)
        y = frame["winner"].map({"model_a": 1.0, "model_b": 0.0, "tie": 0.5}).to_numpy(dtype=float)
        cells, weights = np.unique(
            np.column_stack([codes[:n], codes[n:], 2 * y]).astype(np.int64), axis=0, return_counts=True
        )
        a, b, target = cells[:, 0], cells[:, 1], cells[:, 2] / 2
        weights = weights / n

        def loss(x):
            p = expit(np.log(10) * (x[a] - x[b]))
            value = -(weights * (target * np.log(p) + (1 - target) * np.log1p(-p))).sum()
            pull = -np.log(10) * weights * (target - p)
            gradient = np.bincount(a, pull, len(names)) - np.bincount(b, pull, len(names))
            return value, gradient

        return minimize(
            loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"gtol": 1e-6, "maxiter": 100}
        ).x

    seconds, x = timed(fit, 4)
    show("FastChat's algorithm, point fit only", seconds, error(x * np.log(10), optimum), "reimplemented")


def arena_rank(frame: pd.DataFrame, optimum: np.ndarray, python: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "battles.parquet"
        frame.to_parquet(path)
        done = subprocess.run([python, "-c", ARENA_RANK, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        print("arena-rank failed:", done.stderr.strip().splitlines()[-1])
        return
    found = json.loads(done.stdout.strip().splitlines()[-1])
    theta = np.array([found["ratings"][name] for name in sorted(found["ratings"])]) / ELO
    show("arena-rank, sandwich, warm", min(found["times"][1:]), error(theta, optimum))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="500 models and 10,000,000 battles, this package only")
    parser.add_argument("--arena-rank", metavar="PYTHON", help="interpreter of an environment that has arena-rank")
    options = parser.parse_args()
    frame = battles(500, 10_000_000) if options.large else battles(200, 1_000_000)
    print(f"{len(frame):,} battles, numpy {np.__version__}, Python {sys.version.split()[0]}")
    optimum = exact(frame)
    ours(frame, optimum)
    if options.large:
        return
    clustered(frame)
    peers(frame, optimum)
    fastchat(frame, optimum)
    if options.arena_rank:
        arena_rank(frame, optimum, options.arena_rank)


if __name__ == "__main__":
    main()
