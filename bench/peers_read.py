"""Whether other tools read what is exported for them: AlpacaEval's package, DuckDB, datasets, TRL, arena-rank, evalica.

They are no part of this project's environment: give the interpreter of one in which they are installed.

    python -m bench.peers_read --alpaca-eval VENV/bin/python --others VENV/bin/python [--models N]

AlpacaEval needs setuptools below 81. The peers' scripts print JSON; each line printed here is one comparison. The exit
code is 1 where a number differs.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import judgebench
from judgebench.services.exports import rows
from judgebench.store.database import Database

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT.parent / "shared" / "data" / "alpaca_eval"
BASELINE = "gpt4_1106_preview"
_TOLERANCE = 1e-9  # of percent
_ALPACA_EVAL = """
import json, sys, pandas as pd
from alpaca_eval import metrics
for name in sys.argv[1:]:
    print(json.dumps(metrics.get_winrate(pd.read_json(name, dtype={"instruction": str})), default=float))
"""
_TABLES = """
import json, sys, duckdb, datasets
folder = sys.argv[1]
counts = {}
for name in sys.argv[2:]:
    path = f"{folder}/{name}.parquet"
    count = duckdb.sql(f"select count(*) from '{path}'").fetchall()[0][0]
    types = {row[0]: row[1] for row in duckdb.sql(f"describe select * from '{path}'").fetchall()}
    loaded = datasets.load_dataset(folder, name, split="train")
    nulls = [column for column, feature in loaded.features.items() if "null" in str(feature)]
    counts[name] = {"duckdb": count, "datasets": len(loaded), "null": nulls}
file = f"{folder}/verdicts.parquet"
counts["codec"] = duckdb.sql(f"select distinct compression from parquet_metadata('{file}')").fetchall()
print(json.dumps(counts))
"""
_PREFERENCES = """
import json, sys, datasets
from trl import data_utils
features, counts = [], {}
for name in sys.argv[1:]:
    kind = "parquet" if name.endswith(".parquet") else "json"
    rows = datasets.load_dataset(kind, data_files=name, split="train")
    features.append(str(rows.select_columns(["prompt", "chosen", "rejected", "margin"]).features))
    first = rows[0]
    implicit = {side: first["prompt"] + first[side] for side in ("chosen", "rejected")}
    extracted = data_utils.extract_prompt(dict(implicit))
    unpaired = data_utils.unpair_preference_dataset(rows.select_columns(["prompt", "chosen", "rejected"]))
    counts = {
        "rows": len(rows),
        "conversational": all(data_utils.is_conversational(row) for row in rows),
        "extracted": extracted["prompt"] == first["prompt"] and extracted["chosen"] == first["chosen"],
        "unpaired": len(unpaired),
    }
print(json.dumps(counts | {"alike": len(set(features)) == 1}))
"""
_RATINGS = """
import json, sys, pandas as pd, evalica
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset
table = pd.read_csv(sys.argv[1])
data = PairDataset.from_pandas(table)
ranked = BradleyTerry(n_competitors=len(data.competitors)).compute_ratings_and_cis(data, significance_level=0.05)
words = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
scores = evalica.bradley_terry(table["model_a"], table["model_b"], table["winner"].map(words)).scores
print(json.dumps({"arena-rank": [str(name) for name in ranked["competitors"]], "evalica": scores.to_dict()}))
"""


def answered(python: str, script: str, *arguments: str) -> list[Any]:
    """What a script printed in another environment, a JSON value a line. Raises CalledProcessError."""
    with TemporaryDirectory() as cache:  # datasets would keep what it read for folders of the same name
        environment = os.environ | {"HF_HOME": cache, "HF_HUB_OFFLINE": "1"}
        command = [python, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"the peer's script failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]


def published(database: Database, number: int) -> list[str]:
    """The names of so many models, whose published annotations are stored."""
    folders = sorted(path.parent for path in PUBLISHED.glob("*/annotations.json.gz"))
    chosen = [folder for folder in folders if folder.name not in (BASELINE, "NullModel")][:number]
    judgebench.import_files(
        database, [folder / "annotations.json.gz" for folder in chosen], benchmark="alpaca", audit=False
    )
    return [folder.name for folder in chosen]


def own(database: Database) -> None:
    """A benchmark of our own: the demonstration, judged in both orders."""
    judgebench.import_files(database, ROOT / "demo" / "instructions.jsonl", benchmark="demo", audit=False)
    for path in sorted((ROOT / "demo" / "outputs").glob("demo-*.json")):
        judgebench.submit(database, path, model=path.stem, benchmark="demo", audit=False)
    judgebench.run(database, benchmark="demo", judge="scripted:coin", baseline="demo-hasty", orders="both")


def boards(database: Database, folder: Path, python: str, benchmark: str, baseline: str) -> int:
    """How many numbers of AlpacaEval's board differ from ours."""
    ours = judgebench.rank(database, benchmark=benchmark, method="win-rate", baseline=baseline, with_flagged=True)
    models: dict[str, Mapping[Any, Any]] = {
        row["model"]: row for row in ours.to_dict("records") if row["model"] != baseline
    }
    files = {}
    for number, model in enumerate(sorted(models)):
        files[model] = folder / f"{benchmark}-{number}.json"
        judgebench.export(database, "alpaca-eval", files[model], benchmark=benchmark, baseline=baseline, model=model)
    differing = 0
    theirs = answered(python, _ALPACA_EVAL, *map(str, files.values()))
    for model, their in zip(files, theirs, strict=True):
        differing += _compared(model, models[model], their)
    return differing


def _compared(model: str, our: Mapping[Any, Any], their: Mapping[str, Any]) -> int:
    pairs = {
        "win rate": (100 * our["win_rate"], their["win_rate"]),
        "standard error": (100 * our["standard_error"], their["standard_error"]),
    }
    for name, (mine, other) in pairs.items():
        print(f"{model}: {name} {mine:.6f} here, {other:.6f} by alpaca_eval, n {their['n_total']}")
    return sum(not abs(mine - other) <= _TOLERANCE for mine, other in pairs.values())


def tables(database: Database, folder: Path, python: str, benchmark: str) -> int:
    judgebench.export(database, "all", folder / "all", benchmark=benchmark)
    names = sorted(path.stem for path in (folder / "all").glob("*.parquet"))
    (read,) = answered(python, _TABLES, str(folder / "all"), *names)
    print(f"parquet folder: {json.dumps(read)}")
    kinds = {"models": "lineage"}
    counts = {name: len(list(rows(database, kinds.get(name, name), benchmark=benchmark))) for name in names}
    return sum(read[name] != {"duckdb": counts[name], "datasets": counts[name], "null": []} for name in names)


def preferences(database: Database, folder: Path, python: str, benchmark: str) -> int:
    files = [folder / f"preferences.{ending}" for ending in ("jsonl", "parquet")]
    done = [judgebench.export(database, "preferences", path, benchmark=benchmark) for path in files]
    (read,) = answered(python, _PREFERENCES, *map(str, files))
    print(f"preferences: {done[0].rows} rows, left out {dict(done[0].left_out)}; by TRL {json.dumps(read)}")
    number = done[0].rows
    expected = {"rows": number, "conversational": True, "extracted": True, "unpaired": 2 * number, "alike": True}
    return int(read != expected)


def ratings(database: Database, folder: Path, python: str, benchmark: str) -> int:
    judgebench.export(database, "arena-rank", folder / "battles.csv", benchmark=benchmark)
    (read,) = answered(python, _RATINGS, str(folder / "battles.csv"))
    print(f"ratings: {json.dumps(read)}")
    models = {*judgebench.models(database, benchmark=benchmark)["model"]}
    return int(set(read["arena-rank"]) != models or set(read["evalica"]) != models)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alpaca-eval", help="interpreter of an environment with alpaca_eval")
    parser.add_argument("--others", help="interpreter of one with duckdb, datasets, trl, arena-rank and evalica")
    parser.add_argument("--models", type=int, default=5, help="of AlpacaEval's published ones")
    chosen = parser.parse_args()
    differing = 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = judgebench.open(folder / "peers.db")
        own(database)
        if PUBLISHED.is_dir() and chosen.models:
            published(database, chosen.models)
        else:
            print(f"the published annotations are not here: {PUBLISHED}", file=sys.stderr)
        benchmark, baseline = ("alpaca", BASELINE) if PUBLISHED.is_dir() and chosen.models else ("demo", "demo-hasty")
        if chosen.alpaca_eval:
            differing += boards(database, folder, chosen.alpaca_eval, "demo", "demo-hasty")
            differing += boards(database, folder, chosen.alpaca_eval, benchmark, baseline) if benchmark != "demo" else 0
        if chosen.others:
            for check in (tables, preferences, ratings):
                differing += check(database, folder, chosen.others, benchmark)
        database.close()
    print(f"{differing} differ")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
