"""The table of formats: what each file holds, how it is recognised, read and written.

A further format is a module of its own and one entry here; the command line, Python, the app and docs/formats.md read
this table.
"""

from collections.abc import Mapping

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Format, Sample
from judgebench.formats.alpaca_eval import ALPACA_EVAL, ALPACA_EVAL_LEADERBOARD
from judgebench.formats.alpaca_eval_files import ALPACA_EVAL_OUTPUTS
from judgebench.formats.arena_hard import ARENA_HARD
from judgebench.formats.arena_rank import ARENA_RANK
from judgebench.formats.auto_arena import AUTO_ARENA
from judgebench.formats.documents import read_sample
from judgebench.formats.form_files import FORM_FORMATS
from judgebench.formats.goal_labels import GOALS
from judgebench.formats.helm import HELM, HELM_PREDICTIONS, HELM_REQUESTS
from judgebench.formats.human_labels import LABELS, LabelFile
from judgebench.formats.judge_arena import JUDGE_ARENA
from judgebench.formats.judges_file import JUDGES, JudgesFile
from judgebench.formats.known import NOTHING, Known
from judgebench.formats.lineage_file import LINEAGE, LineageFile
from judgebench.formats.llmbar import LLMBAR
from judgebench.formats.lm_eval import LM_EVAL
from judgebench.formats.mj_bench import MJ_BENCH
from judgebench.formats.mt_bench import MT_BENCH_PAIR, MT_BENCH_REFERENCES, MT_BENCH_SINGLE
from judgebench.formats.openai_batch import OPENAI_BATCH_INPUT, OPENAI_BATCH_OUTPUT
from judgebench.formats.openai_evals import OPENAI_EVALS
from judgebench.formats.outputs import INSTRUCTIONS, OUTPUTS, InstructionsFile, OutputsFile
from judgebench.formats.ppe import PPE
from judgebench.formats.preferences import PREFERENCES
from judgebench.formats.process_steps import PRM800K, PRMBENCH, PROCESSBENCH, TRL_STEPWISE
from judgebench.formats.prometheus import BIGGEN, FEEDBACK_COLLECTION, PREFERENCE_COLLECTION
from judgebench.formats.reading import Filename, ReadLimits
from judgebench.formats.rewardbench import REWARDBENCH, REWARDBENCH_2
from judgebench.formats.scalerlab import SCALERLAB
from judgebench.formats.ultrafeedback import ULTRAFEEDBACK
from judgebench.formats.verdicts import VERDICTS, VerdictsFile
from judgebench.formats.visco import VISCO
from judgebench.formats.votes import VOTES
from judgebench.formats.wildbench import WILDBENCH_PAIRS, WILDBENCH_SCORES
from judgebench.formats.wildbench_tasks import WILDBENCH_RESULTS, WILDBENCH_TASKS
from judgebench.formats.writing import BATTLES, LEADERBOARD

Contents = InstructionsFile | OutputsFile | VerdictsFile | LabelFile | LineageFile | JudgesFile
FORMATS: tuple[Format, ...] = (
    INSTRUCTIONS,
    OUTPUTS,
    VERDICTS,
    ALPACA_EVAL,
    ALPACA_EVAL_LEADERBOARD,
    ALPACA_EVAL_OUTPUTS,
    SCALERLAB,
    REWARDBENCH,
    REWARDBENCH_2,
    LLMBAR,
    PPE,
    MJ_BENCH,
    PREFERENCES,
    ARENA_HARD,
    MT_BENCH_REFERENCES,
    MT_BENCH_SINGLE,
    MT_BENCH_PAIR,
    WILDBENCH_TASKS,
    WILDBENCH_RESULTS,
    WILDBENCH_SCORES,
    WILDBENCH_PAIRS,
    BIGGEN,
    FEEDBACK_COLLECTION,
    PREFERENCE_COLLECTION,
    ULTRAFEEDBACK,
    JUDGE_ARENA,
    AUTO_ARENA,
    PRM800K,
    PRMBENCH,
    PROCESSBENCH,
    TRL_STEPWISE,
    VISCO,
    LM_EVAL,
    HELM,
    HELM_REQUESTS,
    HELM_PREDICTIONS,
    OPENAI_EVALS,
    OPENAI_BATCH_INPUT,
    OPENAI_BATCH_OUTPUT,
    LABELS,
    VOTES,
    LINEAGE,
    JUDGES,
    *FORM_FORMATS,
    BATTLES,
    GOALS,
    ARENA_RANK,
    LEADERBOARD,
)
_MOST_COLUMNS = 20  # in a message


def readable() -> dict[str, Format]:
    """The formats that are read, by name."""
    return {format.name: format for format in FORMATS if format.read is not None}


def writable() -> dict[str, Format]:
    """The formats that are written, by name."""
    return {format.name: format for format in FORMATS if format.is_written}


def candidates(sample: Sample) -> list[Format]:
    """The formats that recognise the file; those that go by usual names of columns only where no other does. A file of
    one that is only written is of that one."""
    if written := [format for format in FORMATS if format.read is None and sample.holds(*format.columns)]:
        return written
    matches = [format for format in readable().values() if format.recognises is not None and format.recognises(sample)]
    return [format for format in matches if not format.general] or matches


def recognise(filename: Filename, *, limits: ReadLimits | None = None) -> Format:
    """The format of a file, by its name and its first rows.

    Raises InputError, with the candidates, where none or several recognise it.
    """
    sample = read_sample(filename, limits=limits)
    matches = candidates(sample)
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(format.name for format in matches or readable().values())
    if matches:
        raise InputError(f"{filename}: may be {names}: say which by --as, in Python by as_format")
    columns = ", ".join(sample.columns[:_MOST_COLUMNS]) or "none"
    how = "say by --as, in Python by as_format, which it is"
    raise InputError(f"{filename}: not recognised (its columns: {columns}); {how}: {names}")


def read(
    filename: Filename,
    format: Format,
    *,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
    known: Known = NOTHING,
) -> Contents:
    """What a file of this format holds; ``known``: what the benchmark does that it is for. Raises InputError naming
    file, row and field."""
    if format.read is None:
        raise InputError(f"{filename}: is an export of {format.holds}, which is not read back")
    if columns and not format.maps:
        raise InputError(f"{filename}: columns of {format.name} have fixed names: leave --map, in Python columns")
    more = ({"columns": columns} if format.maps else {}) | ({"known": known} if format.joins else {})
    contents: Contents = format.read(filename, limits=limits, **more)
    if isinstance(contents, OutputsFile) and not contents.outputs:
        left_out = ", ".join(f"{what} ({number:,})" for what, number in contents.unkept.items())
        raise InputError(f"{filename}: holds no output{left_out and f'; left out: {left_out}'}")
    return contents


def named(name: str) -> Format:
    """Raises UnknownName."""
    formats = {format.name: format for format in FORMATS}
    if name not in formats:
        raise UnknownName("format", name, readable())
    return formats[name]
