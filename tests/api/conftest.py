"""A database with three models, and one that a scripted judge has judged."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import judgebench
from judgebench.store.database import Database

ASKED = [f"question {i}" for i in range(6)]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = judgebench.open(tmp_path / "my.db")
    yield opened
    opened.close()


@pytest.fixture
def judged(db: Database) -> Database:
    for name in ("one", "three", "two"):
        judgebench.submit(db, outputs(name), model=name, benchmark="b")
    judgebench.run(db, benchmark="b", judge="scripted:always-first", all_pairs=True)
    return db


def outputs(name: str) -> pd.DataFrame:
    return pd.DataFrame({"instruction": ASKED, "output": [f"{name} to {text}" for text in ASKED], "category": "c"})
