"""What a file brought, in words."""

from typing import TYPE_CHECKING

from judgebench.formats.registry import named
from judgebench.show.sentences import messages_held
from judgebench.show.text import count, one_line, were

if TYPE_CHECKING:
    from judgebench.services.imports import ImportReport


def imported_words(report: "ImportReport") -> str:
    """On one line."""
    into = f"{report.benchmark}: " if report.benchmark else ""
    models = report.models[0] if len(report.models) == 1 else count(len(report.models), "model")
    whose = [*report.judges, *([models] if report.models and not report.annotators else [])]
    lacking = "that the benchmark lacks (left out; --extend adds them)"
    parts = [
        f"{report.duplicate:,} duplicate",
        f"{report.without_preference:,} without preference",
        f"{count(report.references, 'reference')} given to instructions that had none",
        f"{count(report.references_left_out, 'reference')} left out, to instructions that were judged without",
        f"{count(report.by_id_alone, 'instruction')} known by an id alone",
        f"{count(report.reread, 'reply')} read again",
        f"{report.read_otherwise:,} read otherwise than recorded (the recorded verdict counts, its detail says both)",
        count(report.labels, "label"),
        f"{count(report.marks, 'mark')} of steps and places",
        f"{count(report.undeclared, 'model')} without a lineage",
        f"{report.against_itself:,} against itself",
        f"{report.contradicting:,} contradicting an earlier row (the first was kept)",
        f"{report.without_instruction:,} to instructions {lacking}",
        f"{report.without_output:,} on outputs {lacking}",
        f"{count(report.instructions, 'instruction')} added",
        f"{count(report.outputs, 'output')} added",
        f"{count(report.missing, 'instruction')} without an output"
        + ", summed over the models" * (len(report.models) > 1),
        count(report.empty, "empty output"),
    ]
    holds = count(report.new, named(report.format).holds.removesuffix("s"))
    of = f" ({', '.join(whose)})" if whose else ""
    stored = f"{into}{holds}{of} stored; {report.known:,} {were(report.known)} stored already"
    parts = [stored, *(words for words in parts if not words.startswith("0 "))]
    parts += messages_held(report.messages)
    if report.unread:
        parts.append(f"columns that are not read: {', '.join(report.unread)}")
    if report.unkept:
        kinds = ", ".join(f"{one_line(kind)} ({number:,})" for kind, number in report.unkept.items())
        parts.append(f"no place here: {kinds}")
    if report.annotators:
        parts.append(count(len(report.annotators), "annotator"))
    return "; ".join(parts)
