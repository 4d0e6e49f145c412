"""Notes and messages in the words of the app: they speak of options of the command line, which pages do not have.

What audits noted is stored as it was written; what pages and terminals have in common is written once.
"""

import re

_WIDGETS = {  # option -> the label of what chooses the same here
    "--all-judges": "All judges",
    "--baseline": "Baseline",
    "--benchmark": "Benchmark",
    "--by people": "People's votes",
    "--category": "Category",
    "--common": "Common instructions only",
    "--extend": "Add instructions that the benchmark lacks to it",
    "--judge": "Judges",
    "--language": "Language (a guess)",
    "--limit": "Instructions at most",
    "--max-calls": "Stop at, calls",
    "--max-cost": "Stop at, USD",
    "--method": "Method",
    "--pool": "Pool",
    "--profile": "Profile",
    "--question": "Question",
    "--repeats": "Repeats",
    "--with-flagged": "Flagged models too",
}
_COMMAND = re.compile(r"(judgebench [^;\n`]*|`[^`]*`)")  # to be copied: it stays as it is
_OPTION = re.compile(r"(?<![\w-])(?:leaderboard )?(--by people|--[a-z]+(?:-[a-z]+)*)(?![\w-])")


def of_app(text: str) -> str:
    """``text`` with the labels of widgets in the place of options, but within commands. Others stay as they are."""
    parts = _COMMAND.split(text)
    return "".join(part if place % 2 else _OPTION.sub(_labelled, part) for place, part in enumerate(parts))


def _labelled(option: re.Match[str]) -> str:
    label = _WIDGETS.get(option[1])
    return option[0] if label is None else f'"{label}"'
