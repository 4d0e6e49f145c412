"""Small files that unfold to much end in a message, in bounded memory: see ``bombs``."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.formats import bombs

QUICK = {"objects.jsonl.gz", "lists.eval", "list.parquet"}  # of each kind of reader one
MOST_MIB = 500  # beyond what reading a small file takes
READ = """
import sys
from judgebench.errors import JudgeBenchError
from judgebench.services import imports

try:
    imports.read(sys.argv[1])
except JudgeBenchError as error:
    sys.exit(str(error))
"""


def read(path: Path) -> tuple[str, float]:
    """The refusal, empty where there is none, and the most MiB that reading and its child took together."""
    process = subprocess.Popen([sys.executable, "-c", READ, str(path)], stderr=subprocess.PIPE, text=True)
    most = 0.0
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(0.01)
    assert process.stderr is not None
    return process.stderr.read(), most


def resident(pid: int) -> float:
    """MiB of a process and its children."""
    total = 0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *children):
            status = Path(f"/proc/{each}/status").read_text()
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    except OSError:  # it has just ended
        pass
    return total / 1024


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path_factory.mktemp("usual") / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"instruction": ["i"], "output": ["o"]}), path)
    message, most = read(path)
    assert message == ""
    return most


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is told by /proc and bounded on Linux alone")
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in bombs.names()]
)
def test_a_small_file_that_unfolds_to_much_is_refused_in_bounded_memory(
    tmp_path: Path, name: str, usual: float
) -> None:
    message, most = read(bombs.write(tmp_path, name))
    assert str(tmp_path / name) in message
    assert len(message.splitlines()) == 1
    assert most < usual + MOST_MIB
