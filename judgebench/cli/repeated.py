"""Options that take one value and are given twice: an error, where the last one used to count."""

from collections import Counter
from contextlib import suppress
from typing import Any

import typer

from judgebench.counts import count
from judgebench.errors import InputError


def check_once(command: Any, words: list[str]) -> None:
    """Of a command, or of the one in a group that the first word names. Raises InputError naming the option."""
    context, words = typer.Context(command, resilient_parsing=True), list(words)
    while hasattr(command, "list_commands") and words and not words[0].startswith("-"):
        _, command, words = command.resolve_command(context, words)
        if command is None:
            return
        context = typer.Context(command, resilient_parsing=True)
    check_words(command, context, words)


def check_words(command: Any, context: Any, words: list[str]) -> None:
    """What cannot be parsed is told by the command itself. Raises as ``check_once`` does."""
    options: list[Any] = []
    with suppress(Exception):
        options = command.make_parser(context).parse_args(args=list(words))[2]
    for option, times in Counter(options).items():
        takes_one = option.param_type_name == "option" and not (option.multiple or option.is_flag or option.count)
        if times > 1 and takes_one:
            raise InputError(f"{option.opts[0]} is given {count(times, 'time')}: it takes one value")
