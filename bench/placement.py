"""Whether a model that is submitted with --rank lands where it officially stands: AlpacaEval's models, each held out.

    python -m bench.placement [--models NAME ...]

The others' published verdicts are the board. The held-out model's outputs are submitted by the command line, and a
judge on loopback, which replays the published verdicts, is asked about them. Needs ../shared.
"""

import argparse
import csv
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[2] / "shared"
DATA, TOOL = SHARED / "data" / "alpaca_eval", SHARED / "tools" / "replay_judge.py"
BASELINE, BENCHMARK = "gpt4_1106_preview", "alpaca_eval"
PUBLISHED_AS = {"NullModel": "example"}  # by its verdicts
USUAL = ("claude-2", "FuseChat-Llama-3.2-3B-Instruct", "gpt-3.5-turbo-1106", "alpaca-7b", "wizardlm-13b", "gemma-7b-it")
_UP_S = 30.0


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a held-out model landed, and where it stands officially, of the models that are ranked."""

    model: str
    official: int
    best: int
    worst: int
    win_rate: float  # in percent, as the board says
    official_win_rate: float
    calls: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the rank range holds the official rank."""
        return self.best <= self.official <= self.worst


def landing(model: str, folder: Path) -> Landing:
    """Of one model, with a database of its own in ``folder``."""
    database = folder / f"{model}.db"
    files = [DATA / name / "annotations.json.gz" for name in models() if name != model]
    run(database, "import", "alpaca-eval", *map(str, files))
    rows = json.loads(gzip.decompress((DATA / model / "annotations.json.gz").read_bytes()))
    outputs = [{"instruction": row["instruction"], "output": row["output_2"]} for row in rows]
    (folder / f"{model}.json").write_text(json.dumps(outputs))
    with replaying(model) as url:
        added = ("--model", "gpt-4-1106-preview", "--url", url, "--template", "pairwise/letter", "--price", "10,30")
        run(database, "judges", "add", "replay", *added)
        began = time.perf_counter()
        asked = ("--rank", "--judge", "replay", "--yes", "--accept-findings", "--format", "json")
        file = str(folder / f"{model}.json")
        submitted = run(database, "submit", file, "--model", model, "--benchmark", BENCHMARK, *asked)
    place = json.loads(submitted)["placement"]
    [row] = place["models"]
    board = json.loads(run(database, "leaderboard", "--benchmark", BENCHMARK, "--judge", place["judges"][0],
                           "--judge", "replay", "--format", "json"))  # fmt: skip
    ranked = {entry["model"] for entry in board["rows"] if entry["rank"] is not None}
    rates = {PUBLISHED_AS.get(name, name): rate for name, rate in official().items()}
    better = sum(rate > rates[model] for name, rate in rates.items() if name in ranked)
    return Landing(
        *(model, better + 1, row["rank_lower"], row["rank_upper"], 100 * row["win_rate"], rates[model]),
        calls=place["calls"],
        seconds=time.perf_counter() - began,
    )


def models() -> list[str]:
    """Whose verdicts are there."""
    return sorted(path.parent.name for path in DATA.glob("*/annotations.json.gz"))


def official() -> dict[str, float]:
    """Win rates in percent."""
    with (DATA / "official_leaderboard.csv").open() as stream:
        return {row["model"]: float(row["win_rate"]) for row in csv.DictReader(stream)}


def run(database: Path, *words: str) -> str:
    """What the command prints. Raises RuntimeError where it fails."""
    command = [sys.executable, "-m", "judgebench", "--db", str(database), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:2])}: {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


@contextmanager
def replaying(model: str) -> Iterator[str]:
    """The address of a judge that replays what was published about the model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = DATA / model / "annotations.json.gz"
    server = subprocess.Popen([sys.executable, TOOL, "--port", str(port), file], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _UP_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="*", default=list(USUAL))
    chosen: Any = parser.parse_args()
    print("model, official rank, rank range, win rate, official win rate, calls, seconds")
    held = 0
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        for model in chosen.models:
            land = landing(re.sub(r"[/\\]", "", model), Path(folder))
            held += land.holds
            rates = f"{land.win_rate:.2f} {land.official_win_rate:.2f}"
            print(f"{land.model} {land.official} {land.best}-{land.worst} {rates} {land.calls} {land.seconds:.0f}")
    print(f"{held} of {len(chosen.models)} rank ranges hold the official rank")


if __name__ == "__main__":
    main()
