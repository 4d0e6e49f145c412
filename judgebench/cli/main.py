"""The command line: parse, call ``services`` or ``engine``, print. Documents go to stdout, everything else to stderr.

Exit codes: 0 done; 1 an audit failed; 2 bad input or usage; 3 finished with trials or results without a verdict;
130 stopped by an interrupt and resumable.
"""

import errno
import io
import os
import re
import sys
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from judgebench import __version__
from judgebench.cli.repeated import check_once, check_words
from judgebench.cli.session import DEFAULT_DATABASE, Session, complain
from judgebench.errors import DatabaseAway, InputError, JudgeBenchError, UnknownName
from judgebench.show.warned import tell_warnings

# What the list of commands says, so that it needs none of them. A command lies in the module of its name.
PANELS = {
    "Evaluate": {
        "demo": "The whole way on a small benchmark of our own, with the judge that runs inside this process.",
        "submit": "Submit a model's outputs to the instructions of a benchmark.",
        "place": "Have models judged as the board of a benchmark was, and say where they land.",
        "import": "Import files: instructions, outputs, recorded verdicts, labels, lineage.",
        "answer": "Collect a model's outputs from its server.",
        "judges": "Judges by name: add, list, show, test and evaluate them. Without a command they are listed.",
        "templates": "List the templates that judges can be asked with.",
        "run": "Judge a benchmark's outputs; the same command continues a stopped run and repeats no answered call.",
        "batch": "Judge by batch files: export, submit, ingest, list.",
        "reparse": "Read a judge's stored replies again with the current parser; no call is made.",
    },
    "Rank": {
        "leaderboard": "Rank the models of a benchmark, with intervals and the ranks that the data leave open.",
        "profile": "Where a model stands, by category and opponent, and what it did best and worst.",
        "compare": "Two models, or two versions of one, beside each other: what got better and what got worse.",
        "goals": "How many of users' goals dialogues reached, and why the others failed.",
        "categories": "What every model did on every category of instructions, with intervals.",
        "distributions": "How the preferences for every model spread over its battles; with --method score its scores.",
        "history": "How ratings changed as verdicts came in, with intervals.",
        "matrix": "How often each model was preferred to each other one, with intervals.",
        "multiverse": "Rank under every reasonable choice of method, judges and verdicts; see what survives them all.",
        "consensus": "Who is best without one scale: lottery, Borda and Kemeny; and the test of cycles.",
        "quality": "How many pairs a leaderboard separates, and how well it foretells another one.",
        "plan": "How many instructions a comparison needs, and what a number of them can tell.",
    },
    "Trust": {
        "bias": "What besides quality moves a judge: position, length, style, relatives; and the ranking without it.",
        "agreement": "How far judges agree with people and with each other, beside how far people agree.",
        "steps": "What a judge says of each step of outputs, or which places are at fault, beside what people say.",
        "hindsight": "What it changes to know what happened afterwards: the same trials, read by two judges.",
        "card": "A judge's report card: every measure that the stored verdicts allow, with its grade.",
        "audit": "Is this judge, or this submission, to be trusted?",
        "contamination": "Look for a benchmark's texts in submissions, templates, other benchmarks or a file.",
        "labels": "Human labels: import and list what people say about battles.",
    },
    "Data": {
        "benchmarks": "Benchmarks: list, and say by what new models are ranked. Without a command they are listed.",
        "models": "List the models that have outputs in a benchmark, with their declared lineage.",
        "battles": "List battles with the mean preference of their verdicts.",
        "export": "Write a benchmark's rows to a file, which 'judgebench import' reads back.",
        "lineage": "Where models and judges come from: family, parent, teachers.",
        "db": "Upgrade, check, back up, copy and merge databases; rename and delete what is in it.",
        "glossary": "What a word means here: one, or all with what others call them.",
    },
    "Serve": {
        "app": "Open the web app on the database.",
        "serve": "Serve the REST API, beside the web app or alone.",
        "worker": "Do what is queued: runs, audits and collections of outputs, until it is stopped.",
        "jobs": "Jobs that workers do: list, show, wait for, stop and resume them. Without a command they are listed.",
        "tokens": "Tokens of the REST API: create, list, revoke.",
        "vllm": "Serve judges by vLLM on this machine.",
    },
}
AT_SERVERS = {
    *(
        "submit",
        "place",
        "run",
        "audit",
        "jobs",
        "leaderboard",
        "compare",
        "goals",
        "steps",
        "battles",
        "card",
        "benchmarks",
    )
}  # by the REST API too
_PAGE = "the server's app shows it, on the page {}"
_THERE = "whoever runs the server does it there"
INSTEAD = {  # of all that do not work on servers by the REST API, what to do in place of it
    "demo": "it needs no server",
    "import": "outputs go by submit; all else is imported by whoever runs the server, or on the page Submit",
    "answer": "collect outputs here, and submit them",
    "judges": "run takes a judge by its name, or by its model and address; whoever runs the server adds it",
    "batch": _THERE,
    "reparse": _THERE,
    "profile": _PAGE.format("Model"),
    "categories": _PAGE.format("Leaderboard"),
    "distributions": _PAGE.format("Model"),
    "history": _THERE,
    "matrix": _PAGE.format("Matrix"),
    "multiverse": _THERE,
    "consensus": _THERE,
    "quality": _THERE,
    "plan": _THERE,
    "bias": _PAGE.format("Bias"),
    "agreement": _PAGE.format("People"),
    "hindsight": _THERE,
    "contamination": _THERE,
    "labels": "people vote on the page Vote; whoever runs the server imports labels",
    "models": "benchmarks --format json names them",
    "export": "leaderboard and battles have --format json; whoever runs the server exports all",
    "lineage": "submit declares a model's; whoever runs the server declares another's",
    "db": _THERE,
    "app": "it is the server's: open its address",
    "serve": _THERE,
    "worker": _THERE,
    "tokens": "admins make them on the page Team",
}
_ANYWHERE = {"templates", "glossary", "vllm"}  # which need neither a database nor a server
_CANNOT_PRINT = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)
COMMANDS = {name: (panel, text) for panel, commands in PANELS.items() for name, text in commands.items()}


class _Commands(TyperGroup):
    """Loads a command when it is run or asked for its help; lists of commands load none."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS:
            panel, text = COMMANDS[cmd_name]
            return TyperCommand(cmd_name, help=text, rich_help_panel=panel)
        if ctx.resilient_parsing:  # of a line that is still being typed
            return None
        raise UnknownName("command", cmd_name, COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        ready = command(name)
        check_once(ready, rest)
        return name, ready, rest

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        check_words(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _with_nearest(error.message.replace("Value error, ", ""))
            raise
        except Exception as error:  # typer's own copy of click's errors has no public name; raised again below
            wrong: Any = error
            if near := getattr(error, "possibilities", None):  # of an option's name, which click lists by alphabet
                near = get_close_matches(wrong.option_name, near, cutoff=0.0)
                wrong.message, wrong.possibilities = f"{wrong.message}. Did you mean {' or '.join(near)}?", None
            raise


def command(name: str) -> Any:
    """A command, ready to be run."""
    leaf = f"{name}_" if iskeyword(name) else name
    module = import_module(f"judgebench.cli.{leaf}")
    function = getattr(module, "app", None) or getattr(module, leaf)
    holder = typer.Typer(context_settings=_HELP, add_completion=False)
    if isinstance(function, typer.Typer):
        holder.add_typer(function, name=name)
        return typer.main.get_group(holder).commands[name]
    holder.command(name)(function)
    return typer.main.get_command(holder)


def _with_nearest(message: str) -> str:
    """The message, and what may have been meant by a value that is not one of an option's."""
    match = re.search("'([^']*)' is not one of (.*)", message)
    near = get_close_matches(match[1], re.findall("'([^']*)'", match[2]), n=2) if match else []
    return f"{message} Did you mean {' or '.join(map(repr, near))}?" if near else message


_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="judgebench",
    cls=_Commands,
    help="LLMs judge LLMs, and the judges are judged too.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


def _version(is_given: bool) -> None:
    if is_given:
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
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            envvar="JUDGEBENCH_SERVER",
            help="Work on the database of a server, which 'judgebench serve' runs; JUDGEBENCH_TOKEN holds the token.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    server = server or None  # an empty variable is none
    command_name = context.invoked_subcommand or ""
    if server is not None and command_name not in AT_SERVERS | _ANYWHERE and not {"-h", "--help"} & set(sys.argv):
        raise InputError(
            f"judgebench {command_name} works on a database and not on a server: leave --server (JUDGEBENCH_SERVER) "
            f"out, or: {INSTEAD[command_name]}"
        )
    context.obj = Session(db_address, dict(os.environ), server)


def main() -> None:
    """Run the command line; every error that is meant is one line on stderr and exit code 2."""
    guarded(app)


def guarded(work: Callable[[], object], *, away: int = 2) -> None:
    """Do what a command does, and have the process end as commands do; with the code ``away`` where the database's
    server does not answer."""
    _speak_unicode()
    try:
        try:
            with warnings.catch_warnings():
                tell_warnings(complain)
                work()
        finally:
            sys.stdout.flush()
    except JudgeBenchError as error:
        complain(str(error))
        sys.exit(away if isinstance(error, DatabaseAway) else 2)
    except KeyboardInterrupt:
        complain("interrupted; the same command continues where it stopped")
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has gone, as head does
        _hush()
        sys.exit(0)
    except OSError as error:
        if error.filename is not None or error.errno not in _CANNOT_PRINT:
            raise
        _hush()
        complain(f"the output cannot be written: {error.strerror}")
        sys.exit(2)


def _speak_unicode() -> None:
    """Documents are UTF-8 in every locale; on a terminal that cannot show a character its number is shown."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _hush() -> None:
    """What is left to flush goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
