"""judgebench templates."""

from judgebench.cli.options import FormatOption
from judgebench.cli.session import Format, print_list
from judgebench.spec import templates as all_templates


def templates(output: FormatOption = Format.TABLE) -> None:
    """List the templates that judges can be asked with."""
    found = all_templates()
    rows = [{"template": each.id, "kind": each.kind, "digest": each.digest} for each in found]
    print_list(rows, ("template", "kind"), [(each.id, each.kind) for each in found], output)
