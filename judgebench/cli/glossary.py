"""judgebench glossary."""

from typing import Annotated

import typer

from judgebench.cli.options import Output
from judgebench.cli.session import out, print_json, print_table


def glossary(
    term: Annotated[str | None, typer.Argument(metavar="[TERM]", help="A term, or a label of the app.")] = None,
    output: Output = "table",
) -> None:
    """What a word means here: one, or all with what others call them.

    $ judgebench glossary
    $ judgebench glossary "position bias"
    """
    from judgebench.show.glossary import TERMS, meaning

    terms = TERMS if term is None else meaning(term)
    if output == "json":
        print_json([{"term": word.name, "meaning": word.meaning, "elsewhere": word.elsewhere} for word in terms])
    elif term is None:
        print_table(("term", "meaning", "elsewhere"), [(word.name, word.meaning, word.elsewhere) for word in terms])
    else:
        for word in terms:
            called = f" (elsewhere: {word.elsewhere})" if word.elsewhere else ""
            out().print(f"{word.name}: {word.meaning}{called}", markup=False, highlight=False, soft_wrap=True)
