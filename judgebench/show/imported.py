"""What a file brought, in words."""

from typing import TYPE_CHECKING

from judgebench.formats.registry import named
from judgebench.show.sentences import messages_held
from judgebench.show.text import count, one_line

if TYPE_CHECKING:
    from judgebench.services.imports import ImportReport


def imported_words(report: "ImportReport") -> str:
    """On one line."""
    into = f"{report.benchmark}: " if report.benchmark else ""
    models = report.models[0] if len(report.models) == 1 else count(len(report.models), "model")
    whose = [*report.judges, *([models] if report.models and not report.annotators else [])]
    counted = {
        "duplicate": report.duplicate,
        "without preference": report.without_preference,
        "references given to instructions that had none": report.references,
        "references left out, to instructions that were judged without": report.references_left_out,
        "instructions known by their ids alone": report.by_id_alone,
        "replies read again": report.reread,
        "read otherwise than recorded (the recorded verdict counts, its detail says both)": report.read_otherwise,
        "labels": report.labels,
        "marks of steps and places": report.marks,
        "models without a lineage": report.undeclared,
        "against itself": report.against_itself,
        "contradicting an earlier row (the first was kept)": report.contradicting,
        "to instructions that the benchmark lacks (left out; --extend adds them)": report.without_instruction,
        "on outputs that the benchmark lacks (left out; --extend adds them)": report.without_output,
        "instructions added": report.instructions,
        "outputs added": report.outputs,
        f"instructions without an output{', summed over the models' * (len(report.models) > 1)}": report.missing,
    }
    holds = f"{named(report.format).holds}{'s' * (report.format == 'lineage' and report.new != 1)}"
    of = f" ({', '.join(whose)})" if whose else ""
    stored = f"{into}{report.new:,} {holds}{of} stored; {report.known:,} were stored already"
    parts = [stored, *(f"{number:,} {what}" for what, number in counted.items() if number)]
    parts += [count(report.empty, "empty output")] * bool(report.empty)
    parts += messages_held(report.messages)
    if report.unread:
        parts.append(f"columns that are not read: {', '.join(report.unread)}")
    if report.unkept:
        kinds = ", ".join(f"{one_line(kind)} ({number:,})" for kind, number in report.unkept.items())
        parts.append(f"no place here: {kinds}")
    if report.annotators:
        parts.append(count(len(report.annotators), "annotator"))
    return "; ".join(parts)
