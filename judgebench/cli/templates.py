"""judgebench templates."""

from typing import Annotated

import typer

from judgebench.cli.options import Output
from judgebench.cli.session import print_json, print_table, write


def templates(
    causes: Annotated[
        bool, typer.Option("--causes", help="Print the causes of failures of pointwise/goals, to be edited.")
    ] = False,
    output: Output = "table",
) -> None:
    """List the templates that judges can be asked with.

    $ judgebench templates
    $ judgebench templates --format json
    $ judgebench templates --causes
    """
    from judgebench import spec
    from judgebench.spec.taxonomies import bundled_taxonomies

    if causes:
        write(bundled_taxonomies()[max(bundled_taxonomies())].read_text(encoding="utf-8"))
        return
    known = spec.templates()
    if output == "json":
        print_json([{"template": template.id, "kind": template.kind, "digest": template.digest} for template in known])
    else:
        print_table(("template", "kind"), [(template.id, template.kind) for template in known])
