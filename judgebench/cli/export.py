"""judgebench export."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, say, tell
from judgebench.formats import PairsFrom
from judgebench.show.coverage import sentences
from judgebench.show.sentences import left_out_words, lost_words
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.services.parts import PairChoice


@dataclass(frozen=True, slots=True)
class ExportedPart(options.ScopeOptions):
    """What counts"""

    judge: Annotated[
        list[str] | None,
        options.varied(
            options.BoardJudges.__metadata__[0],
            "Only this judge's verdicts; may be repeated.",
            default="all; of a leaderboard the one with most verdicts",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class PairOptions:
    """Pairs for other tools"""

    baseline: Annotated[
        str | None,
        options.varied(
            options.Baseline.__metadata__[0],
            "alpaca-eval, arena-hard: the model that all others are compared with.",
            default="the one that met all",
        ),
    ] = None
    pairs_from: Annotated[
        PairsFrom, typer.Option("--from", help="arena-rank, preferences: who says which output is better.")
    ] = "verdicts"
    min_margin: Annotated[
        float,
        typer.Option("--min-margin", min=0, max=1, help="preferences: by how much the chosen output is preferred."),
    ] = 0.0
    both_orders: Annotated[
        bool,
        typer.Option("--both-orders", help="preferences: only where the judge names the same winner in both orders."),
    ] = False
    min_confidence: Annotated[
        float | None,
        typer.Option(
            "--min-confidence",
            min=0,
            max=1,
            help="preferences: least probability that the judge's labels hold at its verdict; of labels, least share "
            "of people who name the winner.",
        ),
    ] = None
    rationale: Annotated[bool, typer.Option("--rationale", help="preferences: with the judge's reply.")] = False

    def choice(self) -> PairChoice:
        """As the services take it."""
        from judgebench.services.parts import PairChoice

        return PairChoice(**asdict(self))


@options.flat
def export(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="instructions, outputs, verdicts, labels, lineage, judges, battles, goals, leaderboard; all, into a "
            "folder; for another tool: alpaca-eval, alpaca-eval-outputs, arena-hard (a folder), arena-rank, "
            "preferences; or a form: openai-chat, vllm, responses, anthropic, gemini, sharegpt, inspect, promptfoo.",
        ),
    ],
    benchmark: options.Benchmark,
    to: options.To,
    counted: ExportedPart,
    chosen: PairOptions,
    model: options.Models = None,
    output: options.Output = "table",
) -> None:
    """Write a benchmark's rows to a file, which 'judgebench import' reads back.

    The file's ending says how: .jsonl, .json, .csv or .parquet, and .gz after it. Battles and leaderboards are not read
    back. Outputs have what people and sources say of their steps (output_steps, output_marks) and what happened later
    (afterwards); verdicts have goals and spans. What another tool has no place for is left out, and counted. A form,
    which is written as .jsonl or .json, holds outputs with what was asked, as messages.

    $ judgebench export outputs --benchmark demo --to outputs.jsonl.gz
    $ judgebench export verdicts --benchmark demo --judge scripted:coin --to verdicts.parquet
    $ judgebench export all --benchmark demo --to demo-parquet/
    $ judgebench export alpaca-eval --benchmark demo --baseline demo-hasty --to annotations.json
    $ judgebench export preferences --benchmark demo --min-margin 0.2 --to preferences.jsonl
    $ judgebench export openai-chat --benchmark demo --model demo-careful --to chats.jsonl
    """
    with opened(context) as database:
        done = services.exports.export(
            database, kind, to, benchmark=benchmark, scope=counted.scope(), models=model or (), choice=chosen.choice()
        )
    tell(*sentences(done.coverage))
    if done.lost:
        tell(f"what {done.kind} cannot hold is not in the file: {lost_words(done.lost)}")
    if done.left_out:
        tell(f"left out: {left_out_words(done.left_out)}")
    if output == "json":
        from judgebench.show.tables import document

        print_json(document(done))
    else:
        say(f"{done.file}: {count(done.rows, 'row')} of {done.kind} of {done.benchmark}")
