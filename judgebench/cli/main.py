"""The command line: parse, call ``study`` or ``queries``, print. Documents go to stdout, everything else to stderr.

Exit codes: 0 done; 1 an audit failed; 2 bad input or usage; 3 finished with trials that have no verdict; 130 stopped
by an interrupt and resumable.
"""

import os
import sys
from typing import Annotated

import typer

from judgebench import __version__
from judgebench.cli import (
    analysis,
    answer,
    audit,
    batch,
    bias,
    card,
    catalogue,
    contamination,
    db,
    demo,
    judge,
    judges,
    labels,
    lineage,
    rank,
    submit,
    vllm,
)
from judgebench.cli.session import DEFAULT_DATABASE, Session, complain
from judgebench.errors import JudgeBenchError

app = typer.Typer(
    name="judgebench",
    help="LLMs judge LLMs, and the judges are judged too.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("submit")(submit.submit)
app.add_typer(submit.imports, name="import")
app.command("answer")(answer.answer)
app.command("run")(judge.run)
app.command("reparse")(judge.reparse)
app.command("leaderboard")(rank.leaderboard)
for _analysis in (analysis.matrix, analysis.multiverse, analysis.consensus, analysis.quality, analysis.plan):
    app.command(_analysis.__name__)(_analysis)
app.command("bias")(bias.bias)
app.command("agreement")(bias.agreement)
app.command("card")(card.card)
app.command("contamination")(contamination.contamination)
app.command("battles")(catalogue.battles)
app.command("benchmarks")(catalogue.benchmarks)
app.command("models")(catalogue.models)
app.add_typer(judges.app, name="judges")
app.add_typer(labels.app, name="labels")
app.add_typer(lineage.app, name="lineage")
app.command("templates")(catalogue.templates)
app.command("app")(demo.app)
app.command("demo")(demo.demo)
app.add_typer(audit.app, name="audit")
app.add_typer(batch.app, name="batch")
app.add_typer(db.app, name="db")
app.add_typer(vllm.app, name="vllm")


def _version(asked: bool) -> None:
    if asked:
        print(f"judgebench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    db_address: Annotated[
        str,
        typer.Option(
            "--db",
            metavar="URL",
            envvar="JUDGEBENCH_DATABASE_URL",
            help="The database: a path for SQLite, or postgresql://USER@HOST/NAME.",
        ),
    ] = DEFAULT_DATABASE,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    context.obj = Session(db_address, dict(os.environ))


def main() -> None:
    """Run the command line; every error that is meant is one line on stderr and exit code 2."""
    try:
        app()
    except JudgeBenchError as error:
        complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        complain("interrupted; the same command continues where it stopped")
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has gone, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to flush goes nowhere
        sys.exit(0)


if __name__ == "__main__":
    main()
