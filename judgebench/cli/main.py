"""The command line: parse, call ``study`` or ``queries``, print. Documents go to stdout, everything else to stderr.

Exit codes: 0 done; 1 an audit failed; 2 bad input or usage; 3 finished with trials that have no verdict; 130 stopped
by an interrupt and resumable.
"""

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from judgebench import __version__
from judgebench.cli.session import DEFAULT_DATABASE, Session, complain
from judgebench.errors import JudgeBenchError, UnknownName

COMMANDS = {  # where each is; in the order of the help
    "submit": "submit:submit",
    "import": "import_:imports",
    "export": "export:export",
    "answer": "answer:answer",
    "run": "run:run",
    "reparse": "reparse:reparse",
    "batch": "batch:app",
    "leaderboard": "leaderboard:leaderboard",
    "matrix": "matrix:matrix",
    "multiverse": "multiverse:multiverse",
    "consensus": "consensus:consensus",
    "quality": "quality:quality",
    "plan": "plan:plan",
    "bias": "bias:bias",
    "agreement": "agreement:agreement",
    "card": "card:card",
    "contamination": "contamination:contamination",
    "audit": "audit:app",
    "battles": "battles:battles",
    "benchmarks": "benchmarks:benchmarks",
    "models": "models:models",
    "judges": "judges:app",
    "labels": "labels:app",
    "lineage": "lineage:app",
    "templates": "templates:templates",
    "app": "app:app",
    "demo": "demo:demo",
    "db": "db:app",
    "vllm": "vllm:app",
}


class _Commands(TyperGroup):
    """Loads a command when it is asked for: most start in half the time it takes to load them all."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            raise UnknownName("command", cmd_name, COMMANDS)
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(f"judgebench.cli.{module}"), attribute)
        one = typer.Typer(context_settings=_HELP)
        if isinstance(found, typer.Typer):
            one.add_typer(found, name=cmd_name)
            return typer.main.get_group(one).commands[cmd_name]
        one.command(cmd_name)(found)
        return typer.main.get_command(one)


_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="judgebench",
    cls=_Commands,
    help="LLMs judge LLMs, and the judges are judged too.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


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
