"""The figures of a published file, each against a direct count of it by code that shares nothing with the package."""

import gzip
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from tests.quick import few

FILES = {
    "claude-3-haiku-20240307": "claude-3-haiku-20240307_on_claude-3-5-sonnet",
    "Skywork/Skywork-Reward-Llama-3.1-8B": "Skywork-Reward-Llama-3.1-8B_on_gpt-4o",
}
FLIPPED = {"A>B": "B>A", "B>A": "A>B", "A=B": "A=B", None: None}


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def counted(rows: list[dict[str, Any]]) -> dict[str, float]:
    """By hand: the second judgment saw the outputs swapped, so its decision is flipped."""
    right = strict = matched = consistent = first = second = both_first = both_second = 0
    for row in rows:
        one, other = (None if each is None else each["decision"] for each in row["judgments"])
        votes = [decision for decision in (one, FLIPPED[other]) if decision is not None]
        score = sum((vote == row["label"]) - (vote == FLIPPED[row["label"]]) for vote in votes)
        strict += score > 0
        right += 1.0 if score > 0 else 0.5 if score == 0 and votes else 0.0
        if one is None or other is None:
            continue
        matched += 1
        shown = Counter((one, other))  # as shown: A is first in both
        lean = shown["A>B"] - shown["B>A"]
        consistent += lean == 0
        first += lean > 0
        second += lean < 0
        both_first += lean == 2
        both_second += lean == -2
    n = len(rows)
    found = {"accuracy": right / n, "strict": strict / n, "n": n, "matched": matched}
    found |= {"consistency": consistent / matched, "fairness": (second - first) / matched}
    if both_first and both_second:
        found["effect"] = 0.5 * math.log(both_first / both_second)
    return found


@pytest.fixture(scope="module")
def imported(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = Database(str(tmp_path_factory.mktemp("scalerlab") / "s.db"), create=True)
    for name in FILES.values():
        services.imports.import_file(
            database, shared / "data" / "scalerlab_judgebench" / f"{name}.jsonl.gz", benchmark="b"
        )
    return database


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("judge", few(FILES, 1))
def test_against_a_direct_count(shared: Path, imported: Database, judge: str) -> None:
    rows = rows_of(shared / "data" / "scalerlab_judgebench" / f"{FILES[judge]}.jsonl.gz")
    expected = counted(rows)
    [with_key] = services.agreement.agreement(imported, "b", judges=[judge]).judges
    place = services.bias.bias(imported, "b", scope=Scope((judge,))).position
    assert with_key.items == expected["n"]
    assert with_key.accuracy.value == pytest.approx(expected["accuracy"])
    assert with_key.accuracy_strict.value == pytest.approx(expected["strict"])
    assert place.matched == expected["matched"]
    assert place.consistency.value == pytest.approx(expected["consistency"])
    assert place.preference_fairness.value == pytest.approx(expected["fairness"])
    if "effect" in expected:
        assert place.log_odds_hard.value == pytest.approx(expected["effect"])
    else:
        assert not place.log_odds_hard.identified


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("judge", few(FILES, 1))
def test_by_source(shared: Path, imported: Database, judge: str) -> None:
    rows = rows_of(shared / "data" / "scalerlab_judgebench" / f"{FILES[judge]}.jsonl.gz")
    sources = sorted({row["source"] for row in rows})
    [with_key] = services.agreement.agreement(imported, "b", judges=[judge]).judges
    assert [each.category for each in with_key.by_category] == sources
    for each in with_key.by_category:
        expected = counted([row for row in rows if row["source"] == each.category])
        assert each.items == expected["n"]
        assert each.accuracy.value == pytest.approx(expected["accuracy"])
        assert each.accuracy_strict.value == pytest.approx(expected["strict"])
    for source in sources:
        expected = counted([row for row in rows if row["source"] == source])
        place = services.bias.bias(imported, "b", scope=Scope((judge,), source)).position
        assert place.consistency.value == pytest.approx(expected["consistency"])
        assert place.preference_fairness.value == pytest.approx(expected["fairness"])
        assert place.log_odds_hard.value == pytest.approx(expected.get("effect"))
