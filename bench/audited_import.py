"""Processor seconds and memory of imports with and without their audit, and of audits of 58 models.

    python -m bench.audited_import [--data ../shared/data/alpaca_eval] [--models 58]

Imports one published file of annotations, all of them at once, and one into a database that has the others, each with
its audit and without; then fills a database with the published outputs and with copies of them in which two words of
five are others of the same model's, audits it whole, and submits one model more. Each command is a process of its own;
seconds are user and system, memory is the most that it held.
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHANGED = 0.4  # share of a copy's words


@dataclass(frozen=True)
class Spent:
    """What a process took."""

    seconds: float
    mebibytes: float


def spent(folder: Path, *arguments: object) -> Spent:
    """The command line on the database bench.db in ``folder``."""
    command = [sys.executable, "-m", "judgebench", "--db", str(folder / "bench.db"), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):  # 1: an audit that failed
        raise SystemExit(f"{' '.join(command)} failed")
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare_imports(title: str, before: Sequence[Path], files: Sequence[Path]) -> None:
    """Importing ``files`` into a database that has those ``before``."""
    both = []
    for flags in ((), ("--no-audit",)):
        with tempfile.TemporaryDirectory() as name:
            if before:
                spent(Path(name), "import", "--no-audit", *before)
            both.append(spent(Path(name), "import", *flags, *files))
    audited, plain = both
    times = audited.seconds / plain.seconds
    times = audited.seconds / plain.seconds
    print(
        f"{title}: {audited.seconds:.2f} s audited, {plain.seconds:.2f} s without, {times:.2f} times; "
        f"{audited.mebibytes:.0f} and {plain.mebibytes:.0f} MiB"
    )


def rows_of(file: Path) -> list[dict[str, Any]]:
    """Instructions and outputs of a file of annotations."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [{"instruction": row["instruction"], "output": row["output_2"]} for row in json.load(stream)]


def varied(rows: Sequence[dict[str, Any]], seed: int) -> Iterator[dict[str, Any]]:
    """The outputs with some words exchanged for others of the same model's."""
    rng = random.Random(seed)
    words = [word for row in rows for word in row["output"].split(" ")]
    for row in rows:
        mine = [rng.choice(words) if rng.random() < _CHANGED else word for word in row["output"].split(" ")]
        yield {**row, "output": " ".join(mine)}


def write(path: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]], model: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps({**row, "model": model}) + "\n" for row in rows)


def audit_many(folder: Path, files: Sequence[Path], models: int) -> None:
    """Audit ``models`` models together, and submit one more."""
    sources = [rows_of(file) for file in files]
    for number in range(models):
        rows = sources[number % len(sources)]
        copies = rows if number < len(sources) else varied(rows, number)
        write(folder / "all.jsonl", copies, f"model {number:02}")
    write(folder / "more.jsonl", varied(sources[0], models), "one more")
    spent(folder, "import", "--no-audit", folder / "all.jsonl", "--benchmark", "bench")
    whole = spent(folder, "audit", "submissions", "--benchmark", "bench")
    more = spent(folder, "submit", folder / "more.jsonl", "--model", "one more", "--benchmark", "bench")
    print(f"audit of {models} models: {whole.seconds:.2f} s, {whole.mebibytes:.0f} MiB")
    print(f"submitting one more to {models}: {more.seconds:.2f} s, {more.mebibytes:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/alpaca_eval"))
    parser.add_argument("--models", type=int, default=58)
    chosen = parser.parse_args()
    files = sorted(chosen.data.glob("*/annotations.json.gz"))
    if not files:
        raise SystemExit(f"{chosen.data}: has no MODEL/annotations.json.gz")
    one = next((file for file in files if "vicuna" in str(file)), files[0])
    compare_imports("one file", [], [one])
    compare_imports(f"{len(files)} files", [], files)
    compare_imports(f"one file beside {len(files) - 1}", [file for file in files if file != one], [one])
    with tempfile.TemporaryDirectory() as name:
        audit_many(Path(name), [file for file in files if "Null" not in str(file)], chosen.models)


if __name__ == "__main__":
    main()
