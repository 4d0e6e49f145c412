"""judgebench export."""

from dataclasses import dataclass
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, say, tell
from judgebench.show.coverage import sentences
from judgebench.show.sentences import lost_words


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


@options.flat
def export(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="instructions, outputs, verdicts, labels, battles, leaderboard; or a form: openai-chat, vllm, "
            "responses, anthropic, gemini, sharegpt, inspect, promptfoo.",
        ),
    ],
    benchmark: options.Benchmark,
    to: options.To,
    counted: ExportedPart,
    model: options.Models = None,
    output: options.Output = "table",
) -> None:
    """Write a benchmark's rows to a file, which 'judgebench import' reads back.

    The file's ending says how: .jsonl, .json, .csv or .parquet, and .gz after it. Battles and leaderboards are not read
    back. A form, which is written as .jsonl or .json, holds outputs with what was asked, as messages.

    $ judgebench export outputs --benchmark demo --to outputs.jsonl.gz
    $ judgebench export verdicts --benchmark demo --judge scripted:coin --to verdicts.parquet
    $ judgebench export openai-chat --benchmark demo --model demo-careful --to chats.jsonl
    """
    with opened(context) as database:
        done = services.exports.export(
            database, kind, to, benchmark=benchmark, scope=counted.scope(), models=model or ()
        )
    tell(*sentences(done.coverage))
    if done.lost:
        tell(f"what {done.kind} cannot hold is not in the file: {lost_words(done.lost)}")
    if output == "json":
        from judgebench.show.tables import document

        print_json(document(done))
    else:
        say(f"{done.file}: {done.rows} rows of {done.kind} of {done.benchmark}")
