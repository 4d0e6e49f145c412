"""The options that commands share; and the study that they make."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli.session import Format
from judgebench.errors import InputError
from judgebench.spec import Study, load_prices, load_study, make_study
from judgebench.store.database import Database


class Orders(StrEnum):
    BOTH = "both"
    RANDOM = "random"
    SINGLE = "single"


StudyFile = Annotated[Path | None, typer.Argument(metavar="[STUDY]", help="A study file in YAML; flags win over it.")]
Benchmark = Annotated[str | None, typer.Option(help="Name of the benchmark.")]
JudgeModel = Annotated[
    str | None,
    typer.Option(help="The judge: one that was added, its server's name for it, 'embedded', or 'scripted:NAME'."),
]
JudgeUrl = Annotated[
    str | None, typer.Option(help="Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
]
JudgeKeyEnv = Annotated[str | None, typer.Option(help="NAME of the environment variable that holds the server's key.")]
JudgeName = Annotated[str | None, typer.Option(help="Name under which the judge is stored.")]
TemplateId = Annotated[str | None, typer.Option(help="A template, e.g. pairwise/two-way, or a file.")]
Price = Annotated[str | None, typer.Option(metavar="PROMPT,COMPLETION", help="USD per million tokens, e.g. 2.5,10")]
Prices = Annotated[
    Path | None,
    typer.Option(envvar="JUDGEBENCH_PRICES", help="A price table in YAML, lines such as 'my-model: 2.5,10'."),
]
Models = Annotated[
    list[str] | None, typer.Option(help="Models that meet; may be repeated or separated by commas. Default: all.")
]
Baseline = Annotated[str | None, typer.Option(help="Compare every model with this one.")]
AllPairs = Annotated[bool | None, typer.Option("--all-pairs", help="Compare every pair of models.")]
Pairs = Annotated[
    list[str] | None, typer.Option("--pair", metavar="A,B", help="Compare these two models; may be repeated.")
]
OrdersOption = Annotated[Orders | None, typer.Option(help="Orders in which the outputs are shown. Default: both.")]
Repeats = Annotated[int | None, typer.Option(help="How often each order is asked.")]
Limit = Annotated[int | None, typer.Option(help="Take the first N instructions.")]
Category = Annotated[str | None, typer.Option(help="Take the instructions of one category.")]
Seed = Annotated[int | None, typer.Option(help="Seed of random orders, and of an adaptive design.")]
Concurrency = Annotated[int | None, typer.Option(help="Questions in flight at most.")]
MaxCost = Annotated[float | None, typer.Option(help="Stop asking once this many USD are spent.")]
MaxFailures = Annotated[int | None, typer.Option(help="Give up after so many failures in a row.")]
MaxErrors = Annotated[int | None, typer.Option(help="Stop asking once so many questions have failed in all.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A decoding setting; may be repeated.")
]


def names(given: list[str] | None) -> tuple[str, ...] | None:
    """From repeated or comma-separated names."""
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip()) if given else None


def pairs(given: list[str] | None) -> tuple[tuple[str, ...], ...] | None:
    """From "A,B", several times. Raises InputError."""
    if not given:
        return None
    found = tuple(tuple(name.strip() for name in each.split(",")) for each in given)
    for each, sides in zip(given, found, strict=True):
        if len(sides) != 2 or not all(sides):
            raise InputError(f"--pair {each!r}: write two models, A,B")
    return found


def study_of(
    database: Database,
    file: Path | None,
    given: dict[str, Any],
    asked: dict[str, Any],
    prices: Path | None,
    *,
    otherwise: str | None = None,
) -> Study:
    """The study of the file with the flags laid over it; a judge without an address may be one that was added.

    ``otherwise``: the address of a judge that has none.
    """
    fields: dict[str, Any] = {} if file is None else load_study(file).model_dump(exclude_defaults=True)
    fields |= {name: value for name, value in given.items() if value is not None}
    judge = dict(fields.get("judge", {})) | {name: value for name, value in asked.items() if value is not None}
    if "benchmark" not in fields:
        raise InputError("say which benchmark: --benchmark NAME, or a study file")
    if "model" not in judge:
        raise InputError("say which judge: --judge MODEL --judge-url URL, --judge embedded, or a study file")
    spec = services.judges.find_judge(database, judge | priced(judge, prices), otherwise=otherwise)
    return make_study(fields | {"judge": spec}, where=str(file or "flags"))


def priced(served: dict[str, Any], prices: Path | None) -> dict[str, Any]:
    """The price of a model that has none yet, from the price table."""
    table = {} if prices is None else load_prices(prices)
    return {"price": table[served["model"]]} if "price" not in served and served["model"] in table else {}


SeedOption = Annotated[int, typer.Option(help="Of what is drawn at random.")]
BenchmarkOption = Annotated[str, typer.Option(help="Name of the benchmark.")]
JudgesOption = Annotated[list[str] | None, typer.Option(help="Only this judge; may be repeated. Default: all.")]
CategoryOption = Annotated[str | None, typer.Option(help="Only the instructions of this category.")]
LevelOption = Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")]
FormatOption = Annotated[Format, typer.Option("--format")]


def settings_of(given: list[str]) -> dict[str, Any]:
    """From "FIELD=VALUE", several times. Values are JSON where they can be read as such, and text otherwise."""
    settings: dict[str, Any] = {}
    for each in given:
        field, equals, value = each.partition("=")
        if not (field.strip() and equals):
            raise InputError(f"--set {each!r}: write FIELD=VALUE, e.g. --set temperature=0")
        try:
            settings[field.strip()] = json.loads(value)
        except ValueError:
            settings[field.strip()] = value
    return settings


def columns_of(given: list[str]) -> dict[str, str]:
    """What --map says: our field -> the file's column. Raises InputError where it is not FIELD=COLUMN."""
    columns = {}
    for each in given:
        field, equals, column = each.partition("=")
        if not (field and equals and column):
            raise InputError(f"--map {each!r}: write FIELD=COLUMN, e.g. --map instruction=question")
        columns[field.strip()] = column.strip()
    return columns
