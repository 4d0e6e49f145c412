"""How figures are printed in tables: value with its interval in its unit, or why there is none."""

from collections.abc import Sequence

from rich.table import Table

from judgebench.cli.session import out, visible
from judgebench.estimate import Estimate

Line = tuple[str, Estimate | None, str]  # what, the figure, and its unit: one of _UNITS


def shown(figure: Estimate | None, unit: str) -> tuple[str, str, str]:
    """Value, interval, and the number of observations or why there is no value."""
    if figure is None:
        return "-", "", ""
    if not figure.identified and figure.lower is None and figure.upper is None:
        return "not identified", "", figure.reason
    interval = f"[{_end(figure.lower, unit, '-inf')}, {_end(figure.upper, unit, 'inf')}]"
    if figure.lower is None and figure.upper is None:
        interval = ""
    value = "not identified" if figure.value is None else _number(figure.value, unit)
    return value, interval, f"n = {figure.n}" + (f"; {figure.reason}" if figure.reason else "")


def print_lines(title: str, lines: Sequence[Line]) -> None:
    """One table of figures under a title."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for justify in ("left", "right", "left", "left"):
        table.add_column(justify=justify, overflow="fold")
    for what, figure, unit in lines:
        table.add_row(f"  {visible(what)}", *(visible(cell) for cell in shown(figure, unit)))
    screen = out()
    screen.print(visible(title))
    screen.print(table)


def _end(value: float | None, unit: str, none: str) -> str:
    return none if value is None else _number(value, unit)


def _number(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "points":
        return f"{100 * value:+.1f} points"
    return f"{value:.3f}" if unit == "number" else f"{value:.3g} {unit}"
