"""Arena-Hard's numbers against an implementation of the published formulas of its own, on judgments in its layout."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import judgebench
from judgebench.errors import StatisticsError
from judgebench.records import Instruction
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

MODELS = {"ant": 0.9, "bee": 0.1, "cat": -0.8}
BASELINES = {"hard_prompt": "o3-mini-2025-01-31", "creative_writing": "gemini-2.0-flash-001"}
LABELS = ("A>>B", "A>B", "A=B", "B>A", "B>>A")
ROUNDS = 100
World = tuple[Database, list[dict[str, Any]], dict[tuple[str, str], str]]


def prompts(category: str) -> list[str]:
    return [f"{category} question {number}" for number in range(40)]


def written(rng: np.random.Generator, model: str, prompt: str) -> str:
    """Words, with headers, lists and bold spans, more of them the longer the model's name."""
    lines = [f"{model} on {prompt}: " + "word " * int(rng.integers(5, 80))]
    lines += [f"# Part {number}" for number in range(int(rng.integers(0, 3)))]
    lines += [f"- item {number}" for number in range(int(rng.integers(0, len(model) + 3)))]
    lines += [f"so **bold {number}**" for number in range(int(rng.integers(0, 4)))]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A database with judgments of two categories, the rows of the file, and the answers by model and prompt."""
    rng, folder = np.random.default_rng(5), tmp_path_factory.mktemp("arena")
    outputs, rows, texts = [], [], {}
    for category, baseline in BASELINES.items():
        for prompt in prompts(category):
            for model in (*MODELS, baseline):
                texts[model, prompt] = written(rng, model, prompt)
                about = {"instruction": prompt, "uid": prompt, "category": category}
                outputs.append(about | {"model": model, "output": texts[model, prompt]})
            for model, strength in MODELS.items():
                games = [{"score": label(rng, sign * strength), "judgment": {"answer": "x"}} for sign in (-1, 1)]
                if rng.random() < 0.05:
                    games[int(rng.integers(2))]["score"] = None
                shown = {"uid": prompt, "category": category, "judge": "gpt-4.1", "model": model, "baseline": baseline}
                rows.append(shown | {"games": games})
    database, options = Database(":memory:", create=True), ImportOptions(audit=False)
    import_file(database, write_rows(folder / "outputs.jsonl", outputs), benchmark="ah", options=options)
    import_file(database, write_rows(folder / "games.jsonl", rows), benchmark="ah", options=options)
    return database, rows, texts


def label(rng: np.random.Generator, lean: float) -> str:
    """About the side shown first."""
    return LABELS[4 - sum(lean + rng.normal() > bound for bound in (-1.2, -0.3, 0.3, 1.2))]


def values(label: str) -> list[float]:
    return {"A>>B": [1.0] * 3, "A>B": [1.0], "A=B": [0.5], "B>A": [0.0], "B>>A": [0.0] * 3}[label]


def table(rows: list[dict[str, Any]], category: str, *, whole: bool) -> pd.DataFrame:
    """Exploded: model, prompt and value, in the order of models, instructions' keys, and second games first."""
    lines = []
    for row in rows:
        first, second = (game["score"] for game in row["games"])
        if row["category"] != category or (whole and (first is None or second is None)):
            continue
        scores = [] if second is None else values(second)
        scores = scores + ([] if first is None else [1 - value for value in values(first)])
        key = Instruction((row["uid"],)).key
        lines += [(row["model"], key, row["uid"], value) for value in scores]
    frame = pd.DataFrame(lines, columns=["model", "key", "prompt", "value"])
    return frame.sort_values(["model", "key"], kind="stable", ignore_index=True)


def counted(text: str) -> np.ndarray:
    """Tokens, headers, lists and bold spans, by the published patterns; a token is four characters."""
    return np.array([
        len(text) / 4,
        len(re.findall(r"^#{1,6}\s", text, re.MULTILINE)),
        len(re.findall(r"^\s*[-*+]\s", text, re.MULTILINE)) + len(re.findall(r"^\s*\d+\.\s", text, re.MULTILINE)),
        len(re.findall(r"\*\*[^*\n]+\*\*", text)),
    ])  # fmt: skip


def sides(frame: pd.DataFrame, texts: dict[tuple[str, str], str], baseline: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = list(zip(frame["model"], frame["prompt"], strict=True))
    return (
        np.array([counted(texts[model, prompt]) for model, prompt in pairs]),
        np.array([counted(texts[baseline, prompt]) for _, prompt in pairs]),
    )


def newton(x: np.ndarray, y: np.ndarray, ridge: float = 0.0) -> np.ndarray:
    """Logistic regression without intercept, by dense iteration to the end."""
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        step = np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]) + ridge * np.eye(len(w)), x.T @ (y - p) - ridge * w)
        w += step
        if np.abs(step).max() < 1e-12:
            return w
    raise AssertionError("no convergence")


def published(database: Database, profile: Any, category: str | None = None) -> dict[str, dict[str, float]]:
    frame = judgebench.rank(database, benchmark="ah", profile=profile, category=category)
    return frame.set_index("model").to_dict("index")


@pytest.mark.parametrize("category", BASELINES)
def test_scores_of_v2_are_the_published_ones(world: World, category: str) -> None:
    database, rows, _ = world
    ours, frame = published(database, "arena-hard-v2"), table(rows, category, whole=True)
    rng = np.random.default_rng(0)
    for model, part in frame.groupby("model"):
        drawn = [part["value"].to_numpy()[at].mean() for at in rng.integers(0, len(part), (ROUNDS, len(part)))]
        expected = [part["value"].mean(), *np.percentile(drawn, [5, 95])]
        row = ours[str(model)]
        numbers = [row[f"{category}.score{end}"] for end in ("", "_lower", "_upper")]
        np.testing.assert_allclose(numbers, 100 * np.array(expected), atol=1e-6)


@pytest.mark.parametrize("category", BASELINES)
def test_scores_at_equal_style_of_v2_are_the_published_ones(world: World, category: str) -> None:
    database, rows, texts = world
    ours, frame = published(database, "arena-hard-v2"), table(rows, category, whole=True)
    of_model, of_baseline = sides(frame, texts, BASELINES[category])
    length = (of_model[:, 0] - of_baseline[:, 0]) / (of_model[:, 0] + of_baseline[:, 0])
    one, other = (side[:, 1:] / (side[:, :1] + 1) for side in (of_model, of_baseline))
    style = np.column_stack([length, (one - other) / (one + other + 1)])
    style = (style - style.mean(axis=0)) / style.std(axis=0, ddof=1)
    x = np.column_stack([pd.get_dummies(frame["model"]).to_numpy(dtype=float), style])
    y, rng = frame["value"].to_numpy(), np.random.default_rng(0)
    drawn = np.array([newton(x[at], y[at])[:3] for at in (rng.integers(0, len(y), len(y)) for _ in range(ROUNDS))])
    expected = 100 * np.percentile(1 / (1 + np.exp(-drawn)), [50, 5, 95], axis=0)
    numbers = [
        [ours[model][f"{category}.style_controlled{end}"] for model in sorted(MODELS)]
        for end in ("", "_lower", "_upper")
    ]
    np.testing.assert_allclose(numbers, expected, atol=1e-6)


def battles(rows: list[dict[str, Any]], category: str) -> pd.DataFrame:
    """As v0.1 has them: the baseline is model A."""
    frame = table(rows, category, whole=False)
    return frame.assign(for_baseline=1 - frame["value"])


def fit_v01(x: np.ndarray, won: np.ndarray, ridge: float) -> np.ndarray:
    """Every battle twice, a tie once as won and once as lost."""
    twice = np.concatenate([np.where(won == 0.5, 1.0, won), np.where(won == 0.5, 0.0, won)])
    return newton(np.concatenate([x, x]), twice, ridge)


def test_scores_of_v01_are_the_published_ones(world: World) -> None:
    database, rows, texts = world
    category, baseline = "hard_prompt", BASELINES["hard_prompt"]
    ours, frame = published(database, "arena-hard-v0.1", category), battles(rows, category)
    ten = np.log(10)
    x = -ten * pd.get_dummies(frame["model"]).to_numpy(dtype=float)  # the baseline at 0
    won, rng = frame["for_baseline"].to_numpy(), np.random.default_rng(0)
    value = fit_v01(x, won, 0.0)
    drawn = [fit_v01(x[at], won[at], 0.0) for at in (rng.integers(0, len(won), len(won)) for _ in range(ROUNDS))]
    expected = np.array([value, *np.percentile(400 * np.array(drawn), [2.5, 97.5], axis=0) / 400])
    numbers = [[ours[model][f"score{end}"] for model in sorted(MODELS)] for end in ("", "_lower", "_upper")]
    np.testing.assert_allclose(numbers, 100 / (1 + 10**-expected), atol=1e-6)
    of_model, of_baseline = sides(frame, texts, baseline)
    style = (of_baseline - of_model) / (of_baseline + of_model + 1)
    style = (style - style.mean(axis=0)) / style.std(axis=0)
    x = np.column_stack([x, np.full(len(x), ten), style])
    value, rng = fit_v01(x, won, 1.0), np.random.default_rng(0)
    drawn = [fit_v01(x[at], won[at], 1.0) for at in (rng.integers(0, len(won), len(won)) for _ in range(ROUNDS))]
    ratings = 400 * np.array([value, *drawn])
    ratings = (ratings[:, :3] - ratings[:, 3:4]) / 400
    expected = np.array([ratings[0], *np.percentile(ratings[1:], [2.5, 97.5], axis=0)])
    numbers = [[ours[model][f"style_controlled{end}"] for model in sorted(MODELS)] for end in ("", "_lower", "_upper")]
    np.testing.assert_allclose(numbers, 100 / (1 + 10**-expected), atol=1e-6)


def test_intervals_by_instruction_are_wider_than_those_of_rows(world: World) -> None:
    ours = published(world[0], "arena-hard-v2")

    def widths(name: str) -> float:
        lower, upper = ([row[f"hard_prompt.{name}_{end}"] for row in ours.values()] for end in ("lower", "upper"))
        return float(np.mean(np.subtract(upper, lower)))

    assert widths("score_by_instruction") > widths("score")
    scores = [(row["hard_prompt.score"], row["hard_prompt.score_by_instruction"]) for row in ours.values()]
    assert all(one == pytest.approx(other) for one, other in scores)


def test_what_a_game_without_a_verdict_costs_is_said(world: World) -> None:
    database, rows, _ = world
    lost = sum(
        sum(game["score"] is not None for game in row["games"])
        for row in rows
        if row["category"] == "hard_prompt" and any(game["score"] is None for game in row["games"])
    )
    assert lost
    notes = judgebench.rank(database, benchmark="ah", profile="arena-hard-v2").attrs["notes"]
    assert any(note.startswith(f"{lost} verdicts of hard_prompt are left out") for note in notes)
    assert any("too narrow" in note for note in notes)


def test_a_baseline_of_ones_own_is_said(world: World) -> None:
    frame = judgebench.rank(
        world[0], benchmark="ah", profile="arena-hard-v0.1", category="hard_prompt", baseline="o3-mini-2025-01-31"
    )
    assert any("and not the benchmark's, gpt-4-0314" in note for note in frame.attrs["notes"])


def test_a_judge_without_slight_verdicts_counts_each_once(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "x.db"), create=True)
    named = [(f"q{at}", model) for at in range(9) for model in ("a", "b")]
    rows = [{"instruction": asked, "model": model, "output": f"{model} on {asked}"} for asked, model in named]
    import_file(database, write_rows(tmp_path / "o.jsonl", rows), benchmark="x", options=ImportOptions(audit=False))
    judgebench.run(database, benchmark="x", judge="scripted:coin", all_pairs=True)
    frame = judgebench.rank(database, benchmark="x", profile="arena-hard-v2", baseline="b")
    assert any("each counts once" in note for note in frame.attrs["notes"])
    with pytest.raises(StatisticsError, match="name it by --baseline, of a, b; the benchmark's is o3-mini-2025-01-31"):
        judgebench.rank(database, benchmark="x", profile="arena-hard-v2")
