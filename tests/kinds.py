"""Databases of every kind of verdicts that a report can meet, in a benchmark "bench" of three models."""

from collections.abc import Callable
from itertools import count

import judgebench
from judgebench import services
from judgebench.judging.templates import LabelScale, RewardScale, Scale, ScoreScale
from judgebench.records import HumanLabel
from judgebench.spec import load_template
from judgebench.store.database import Database
from tests.filling import asked, submitted

MODELS = ("m1", "m2", "m3")
COUNT = 6
PAIRWISE, POINTWISE = "pairwise/two-way", "pointwise/mt-bench"


def _submitted(database: Database) -> None:
    submitted(database, asked(COUNT), MODELS, _text)


def _text(model: str, number: int) -> str:
    return f"{model} says {number}. " + "And more. " * (number % 3 + int(model[1:]))


def _labelled(database: Database) -> None:
    for number, instruction in enumerate(asked(COUNT)):
        for annotator in ("ann", "bob"):
            label = HumanLabel.of(annotator, instruction.key, first="m1", second="m2", preference=float(number % 2))
            services.labels.vote(database, "bench", label)


def judged(database: Database, name: str, template: str, *, silent: bool = False) -> None:
    """By replies that vary, in a study that ends. A judge that is silent gives no verdict."""
    loaded, places = load_template(template), count()
    judgebench.run(
        database,
        benchmark="bench",
        judge=lambda messages: "" if silent else _reply(loaded.scale, next(places)),
        judge_name=name,
        judge_version="1",
        template=template,
        all_pairs=loaded.kind == "pairwise",
    )


def _reply(scale: Scale, place: int) -> str:
    if isinstance(scale, RewardScale):
        return f"{place % 7 - 3.25}"
    if isinstance(scale, ScoreScale):
        return f"[[{scale.low + place % int(scale.high - scale.low + 1):g}]]"
    assert isinstance(scale, LabelScale)
    return scale.labels[place % 3 % len(scale.labels)].text


def _of(*judges: tuple[str, str], silent: bool = False, labels: bool = False) -> Callable[[Database], None]:
    def fill(database: Database) -> None:
        _submitted(database)
        for name, template in judges:
            judged(database, name, template, silent=silent)
        if labels:
            _labelled(database)

    return fill


KINDS: dict[str, Callable[[Database], None]] = {
    "nothing": lambda database: None,
    "no verdicts": _of(),
    "labels alone": _of(labels=True),
    "pairwise": _of(("judge", PAIRWISE), ("second", PAIRWISE), labels=True),
    "pointwise": _of(("judge", POINTWISE), ("second", POINTWISE), labels=True),
    "both": _of(("judge", PAIRWISE), ("second", POINTWISE), labels=True),
    "several scales": _of(
        ("judge", POINTWISE), ("second", "pointwise/g-eval"), ("third", "pointwise/yes-no"), labels=True
    ),
    "failed pairwise": _of(("judge", PAIRWISE), silent=True),
    "failed pointwise": _of(("judge", POINTWISE), silent=True),
}
