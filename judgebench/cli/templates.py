"""judgebench templates."""

from judgebench.cli.options import Output
from judgebench.cli.session import print_json, print_table


def templates(output: Output = "table") -> None:
    """List the templates that judges can be asked with.

    $ judgebench templates
    $ judgebench templates --format json
    """
    from judgebench import spec

    known = spec.templates()
    if output == "json":
        print_json([{"template": template.id, "kind": template.kind, "digest": template.digest} for template in known])
    else:
        print_table(("template", "kind"), [(template.id, template.kind) for template in known])
