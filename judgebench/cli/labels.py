"""judgebench labels: import, list, queue."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.import_ import import_one
from judgebench.cli.leaderboard import print_two_boards
from judgebench.cli.session import opened, print_estimates, print_json, print_table, say, write_file
from judgebench.leaderboard import USUAL_METHOD, Choices
from judgebench.show.conversations import instruction_text, output_text
from judgebench.show.numbers import amount, percent
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.cli.session import Line
    from judgebench.records import Instruction, Output
    from judgebench.services.agreement import HumanQueue, QueuedBattle

_HELP = """Human labels: import and list what people say about battles.

$ judgebench labels import people.jsonl --benchmark sums
$ judgebench labels list --benchmark sums
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)


@app.command("import")
def import_labels(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet, one row a person and pair; plain or .gz.")],
    benchmark: options.Benchmark,
    annotator: options.LabelledBy = None,
    question: options.Question = "",
    columns: options.Columns = None,
    extend: options.Extend = False,
    new_benchmark: options.NewBenchmark = False,
    audit: options.Audited = True,
    output: options.Output = "table",
) -> None:
    """Import human preferences between two outputs; a benchmark that is not there is made of the file.

    $ judgebench labels import people.jsonl --benchmark sums
    $ judgebench labels import people.csv --benchmark sums --map annotator=worker_id --extend
    """
    choices = services.imports.ImportOptions(
        annotator=annotator, extend=extend, new_benchmark=new_benchmark, audit=audit, question=question
    )
    import_one(context, file, as_format="labels", benchmark=benchmark, columns=columns, choices=choices, output=output)


@app.command("list")
def list_labels(
    context: typer.Context,
    benchmark: options.Benchmark,
    annotator: options.Annotator = None,
    category: options.Category = None,
    question: options.Question = "",
    output: options.Output = "table",
) -> None:
    """Count labels by annotator; with --format json every label, for other tools.

    $ judgebench labels list --benchmark sums
    """
    with opened(context) as database:
        labels = services.labels.human_labels(
            database, benchmark, annotator=annotator, category=category, question=question
        )
    if output == "json":
        print_json([asdict(label) for label in labels])
        return
    rows = []
    for name in sorted({label.annotator for label in labels}):
        own = [label for label in labels if label.annotator == name]
        rows.append(
            (name, len(own), sum(label.preference == 0.5 for label in own), sum(label.both_bad for label in own))
        )
    print_table(("annotator", "labels", "ties", "both bad"), rows, text=("annotator",))


@app.command()
def voters(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: options.Judges = None,
    question: options.Question = "",
    most: Annotated[int, typer.Option("--most", min=1, help="List so many people, those with most votes.")] = 200,
    level: options.Level = 0.95,
    output: options.Output = "table",
) -> None:
    """Who voted and how: ties, leaning to what is shown first, agreement with others and with judges, and pace.

    $ judgebench labels voters --benchmark sums
    """
    from judgebench.show import voters as show
    from judgebench.show.tables import document
    from judgebench.stats.agreement import Resampling

    with opened(context) as database:
        report = services.voters.voters(
            database, benchmark, judges=judge or (), question=question, most=most, how=Resampling(level=level)
        )
    if output == "json":
        print_json({"benchmark": benchmark, "question": question, **document(report)})
        return
    say(*show.sentences(report))
    print_table(show.headings(report), show.rows(report), text=("voter", "remarks"))


@options.flat
def boards(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    method: options.RankingMethod = USUAL_METHOD,
    question: options.Question = "",
    output: options.Output = "table",
) -> None:
    """The leaderboard by judges beside the one by people: where no rank is left open by both.

    $ judgebench labels boards --benchmark demo
    """
    with opened(context) as database:
        two = services.voters.two_boards(
            database, benchmark, scope=counted.scope(), question=question, choices=Choices(method=method)
        )
    print_two_boards(two, benchmark, output)


app.command("boards")(boards)


@app.command()
def queue(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: options.Judge,
    risk: Annotated[
        float, typer.Option("--risk", min=0.001, max=0.999, help="Share of kept verdicts that people may contradict.")
    ] = 0.1,
    failure: Annotated[
        float, typer.Option("--failure", min=0.001, max=0.999, help="Probability that this does not hold.")
    ] = 0.05,
    seed: options.Seed = 0,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write the battles as JSONL, to be labelled and imported again.")
    ] = None,
    output: options.Output = "table",
) -> None:
    """Which battles a judge should hand to people: those below a confidence that the labels have shown to be safe.

    $ judgebench labels queue --benchmark demo --judge embedded --out queue.jsonl
    $ judgebench labels queue --benchmark demo --judge embedded --risk 0.05
    """
    from judgebench.show.tables import document

    allowed = services.agreement.Allowed(risk, failure, seed=seed)
    with opened(context) as database:
        handed = services.agreement.human_queue(database, benchmark, judge, allowed)
    if file is not None:
        write_file(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _blind(handed)))
    if output == "json":
        about = {name: value for name, value in document(replace(handed, battles=())).items() if name != "battles"}
        battles = [_named(battle) for battle in handed.battles]
        print_json({"benchmark": benchmark, **about, "queued": len(battles), "battles": battles})
    else:
        _print_queue(handed, failure)


def _print_queue(queue: HumanQueue, failure: float) -> None:
    threshold = queue.threshold
    least = amount(threshold.threshold, "number")
    kept = "no verdict is kept" if threshold.threshold is None else f"kept from confidence {least}"
    reason = f": {threshold.reason}" if threshold.reason else ""
    say(f"{kept}{reason}; from {count(threshold.items, 'labelled instruction')}")
    if threshold.bound is not None:
        say(
            f"people contradict at most {percent(threshold.bound)} of what is kept, with {1 - failure:.0%} confidence "
            f"({threshold.wrong:,} of {count(threshold.kept, 'labelled one')})"
        )
    half: list[Line] = [("kept", queue.held_out.coverage, "share"), ("contradicted", queue.held_out.risk, "share")]
    print_estimates("the same from half of the labels, on the other half", half)
    say(f"{count(len(queue.battles), 'battle')} for people, {count(queue.kept, 'verdict')} kept")
    if queue.sampled:
        say(f"of several samples, as on {queue.sampled:,} of them, people are shown the first")


def _named(battle: QueuedBattle) -> dict[str, object]:
    sides = {"first": battle.first, "second": battle.second}
    return {
        "instruction": list(battle.instruction.turns),
        **{side: output.model for side, output in sides.items()},
        **{f"text_{side}": output_text(battle.instruction, output) for side, output in sides.items()},
        "confidence": battle.confidence,
    }


def _blind(queue: HumanQueue) -> list[dict[str, object]]:
    """Rows that do not name the models; sides are found by their text when the labels are imported, and by a digest
    where a text is not all that they are."""
    return [
        {
            **_instruction(battle.instruction),
            **_side("a", battle.instruction, battle.first),
            **_side("b", battle.instruction, battle.second),
            "winner": None,
            "annotator": None,
        }
        for battle in queue.battles
    ]


def _instruction(instruction: Instruction) -> dict[str, object]:
    turns: dict[str, object] = {"instruction": list(instruction.turns)}
    whole = {"conversation": instruction_text(instruction), "instruction_digest": instruction.key}
    return turns if instruction.plain else turns | whole


def _side(letter: str, instruction: Instruction, output: Output) -> dict[str, object]:
    text: dict[str, object] = {f"output_{letter}": output_text(instruction, output, reasoning=False)}
    return text if output.plain else {**text, f"output_{letter}_digest": output.digest}
