"""The published AlpacaEval verdicts beside this checkout, as tables."""

import csv
import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from judgebench.stats.verdict_table import VerdictTable

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "alpaca_eval"
JUDGE = "weighted_alpaca_eval_gpt4_turbo"
BASELINE = "gpt4_1106_preview"
COMPLETE = "vicuna-7b-v1.5"  # has every instruction, in the benchmark's order, and the published predictions


def needed():
    if not FOLDER.is_dir():
        pytest.skip("the published AlpacaEval data are not beside this checkout (../shared/data/alpaca_eval)")


@cache
def rows_of(name):
    return json.loads(gzip.decompress((FOLDER / name / "annotations.json.gz").read_bytes()))


@cache
def official(file):
    with (FOLDER / file).open(newline="", encoding="utf-8") as text:
        return {row["model"]: row for row in csv.DictReader(text)}


def names():
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


@cache
def verdicts():
    """The table of all models against the baseline, and the benchmark's order as instruction codes."""
    benchmark = [row["instruction"] for row in rows_of(COMPLETE)]
    instructions, models = sorted(benchmark), names()
    code = {text: i for i, text in enumerate(instructions)}
    columns = []
    for name in models:
        if name != BASELINE:
            for row in rows_of(name):
                lengths = len(row["output_2"]), len(row["output_1"])
                columns.append((models.index(name), code[row["instruction"]], row["preference"] - 1, *lengths))
    model, instruction, preference, length, other = (np.array(column) for column in zip(*columns, strict=True))
    n = len(model)
    table = VerdictTable(
        models=tuple(models),
        instructions=tuple(instructions),
        judges=(JUDGE,),
        model_a=model.astype(np.int32),
        model_b=np.full(n, models.index(BASELINE), dtype=np.int32),
        instruction=instruction.astype(np.int32),
        judge=np.zeros(n, dtype=np.int32),
        order=np.full(n, -1, dtype=np.int8),
        preference=preference.astype(np.float64),
        length_a=length.astype(np.int32),
        length_b=other.astype(np.int32),
    )
    return table, np.array([code[text] for text in benchmark])


def difficulties():
    """The published difficulties, in the benchmark's order, from what one model's published predictions imply.

    logit P = ability + sharpness * difficulty at equal length (alpaca_eval/metrics/glm_winrate.py).
    """
    weights = official("official_glm_weights.csv")[COMPLETE]
    predictions = np.array([row["glm_preference"] for row in rows_of(COMPLETE)])
    return (logit(predictions) - float(weights["ability"])) / float(weights["instruction_difficulty"])
