"""The leaderboard of ten million verdicts in a new process: seconds and memory, and whether its numbers are right.

    python -m bench.ten_million FILE [--verdicts 10000000] [--models 50] [--check]

FILE is made where it is not there: 50 models, all pairs, both orders, an instruction after the other; seven verdicts in
ten by the first of two judges, and one trial in 200 fails. SQL makes the rows, without replies, in a few minutes. Each
board is then made in a process of its own: by Bradley-Terry, intervals clustered by instruction. ``--check`` holds
ratings, ends and counts against sums over all rows at once, which takes 2 GB.
"""

import argparse
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from judgebench import store
from judgebench.records import Instruction, Judge, Model, Output
from judgebench.store.database import Database

if TYPE_CHECKING:
    from judgebench.leaderboard import Leaderboard

BENCHMARK = "ten million"
_JUDGES = ("judge-1", "judge-2")
_STEP = 1_000_000  # verdicts a transaction
_BOARDS = {"judge-1": {"judges": ("judge-1",)}, "all judges": {"all_judges": True}, "default judge": {}}
_INSERT = """
WITH RECURSIVE n(n) AS (SELECT :start UNION ALL SELECT n + 1 FROM n WHERE n + 1 < :stop),
x AS (SELECT n, (n + 1) * 48271 % 2147483647 AS x FROM n),
drawn AS (SELECT n, n / (2 * :pairs) AS at, x * x % 2147483647 / 2147483647.0 AS u, x % 200 AS bad, pairs.a, pairs.b,
  pairs.p + CASE n % 2 WHEN 0 THEN 0.03 ELSE -0.03 END AS p FROM x JOIN pairs ON pairs.id = (n / 2) % :pairs)
INSERT INTO verdicts (id, trial_key, revision, run_id, judge_id, instruction_id, output_a_id, output_b_id, "order",
  repeat, status, source, preference, label, parser, created_at)
SELECT n + 1, printf('%032x', n), 0, 1 + (n % 10 >= 7), 1 + (n % 10 >= 7), at + 1, at * :models + a, at * :models + b,
  CASE n % 2 WHEN 0 THEN 'AB' ELSE 'BA' END, 0, CASE bad WHEN 0 THEN 'unparsed' ELSE 'ok' END,
  CASE bad WHEN 0 THEN 'none' ELSE 'label' END, CASE bad WHEN 0 THEN NULL ELSE u < p END,
  CASE bad WHEN 0 THEN NULL WHEN u < p THEN 'A' ELSE 'B' END, '1', '2026-01-01T00:00:00.000000+00:00' FROM drawn
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--verdicts", type=int, default=10_000_000)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--board", choices=_BOARDS, help="make this one here, instead of each in a new process")
    args = parser.parse_args()
    if args.board:
        _print_board(args.file, args.board, check=args.check)
        return
    if not args.file.exists():
        with closing(Database(str(args.file), create=True)) as database:
            _fill(database, args.models, args.verdicts)
    for board in _BOARDS:
        command = [sys.executable, "-m", "bench.ten_million", str(args.file), "--board", board]
        subprocess.run(command + ["--check"] * args.check, check=True)


def _fill(database: Database, models: int, verdicts: int) -> None:
    rng = np.random.default_rng(0)
    pairs = np.array(np.triu_indices(models, 1)).T
    strength = rng.normal(0, 1, models)
    names = [f"model-{number:03}" for number in range(models)]
    asked = [Instruction((f"Question {number}?",)) for number in range(-(-verdicts // (2 * len(pairs))))]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, BENCHMARK)
        store.benchmarks.add_instructions(connection, benchmark, asked)
        for name in names:
            store.models.add_model(connection, Model(name))
        for instruction in asked:
            lengths = rng.integers(20, 200, models).tolist()
            outputs = [Output(instruction.key, name, "x" * n) for name, n in zip(names, lengths, strict=True)]
            store.models.add_outputs(connection, benchmark, outputs)
        for name in _JUDGES:
            judge = store.judges.add_judge(connection, Judge(name, name, "pairwise/two-way.v1", "0" * 32, {}))
            store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge, kind="run", specification={})
    with database.write() as connection:
        chance = 1 / (1 + np.exp(strength[pairs[:, 1]] - strength[pairs[:, 0]]))
        rows = [(at, a + 1, b + 1, p) for at, ((a, b), p) in enumerate(zip(pairs.tolist(), chance, strict=True))]
        connection.exec_driver_sql("CREATE TEMP TABLE pairs (id INTEGER PRIMARY KEY, a INT, b INT, p REAL)")
        connection.exec_driver_sql("INSERT INTO pairs VALUES (?, ?, ?, ?)", rows)
        for start in range(0, verdicts, _STEP):
            bounds = {"start": start, "stop": min(start + _STEP, verdicts), "pairs": len(pairs), "models": models}
            connection.execute(sa.text(_INSERT), bounds)
        store.blocks.seal(connection)


def _print_board(file: Path, name: str, *, check: bool) -> None:
    """Nothing of the product is loaded before: what it takes to load is part of the time."""
    began, cpu = time.perf_counter(), time.process_time()
    from judgebench.leaderboard import Choices
    from judgebench.services.leaderboards import leaderboard
    from judgebench.services.scope import Scope

    database = Database(str(file))
    loaded = time.process_time() - cpu
    board = leaderboard(database, BENCHMARK, scope=Scope(**_BOARDS[name]), choices=Choices(method="bradley-terry"))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counted = sum(board.coverage.judges.values())
    print(
        f"{name:14} {counted:10,} verdicts {len(board.rows):3} models: {wall:5.2f} s, {cpu:5.2f} s of processor time "
        f"(of it {loaded:.2f} to load), {time.process_time():.2f} since the process began, {peak:4.0f} MB at most",
        flush=True,
    )
    if check:
        _check(database, name, board)


def _check(database: Database, name: str, board: "Leaderboard") -> None:
    """Clusters named judges are summed row by row; battles are averaged by sorting all rows."""
    from judgebench.leaderboard.build import to_elo
    from judgebench.services.scope import Scope, scoped_verdicts
    from judgebench.stats.bradley_terry import fit_bradley_terry
    from judgebench.stats.pair_sums import PairSums
    from judgebench.stats.verdict_table import PairCounts, average_battles

    with database.read() as connection:
        table = scoped_verdicts(connection, BENCHMARK, Scope(**_BOARDS[name])).counted
    plain = fit_bradley_terry(replace(table, judges=table.instructions, judge=table.instruction), cluster="judge")
    elo = to_elo(1.0) - to_elo(0.0)
    battles = average_battles(table)
    k, rows = len(table.models), sorted(board.rows, key=lambda row: row.model)
    met = np.bincount(battles.first, minlength=k) + np.bincount(battles.second, minlength=k)
    won = np.bincount(battles.first, battles.preference, k) + np.bincount(battles.second, 1 - battles.preference, k)
    one, other = PairCounts.of(table), PairSums.of(table).counts()
    differences = {
        "pair counts": np.abs(one.wins - other.wins).max() + np.abs(one.verdicts - other.verdicts).max(),
        "ratings": np.abs(to_elo(plain.theta) - [row.rating for row in rows]).max(),
        "errors": np.abs(plain.standard_error * elo - [row.standard_error for row in rows]).max(),
        "win rates": np.abs(won / met - [row.win_rate for row in rows]).max(),
        "battles": np.abs(met - [row.battles for row in rows]).max(),
    }
    print("  differs from sums over all rows by at most", {what: f"{by:.1e}" for what, by in differences.items()})


if __name__ == "__main__":
    main()
