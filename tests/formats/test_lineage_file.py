"""Lineage files: one row a model; columns that are not known are refused."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.lineage_file import LineageFile, read_lineage
from judgebench.records import Lineage, Model


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lineage.csv"
    path.write_text("model,family,parent,trained_on\nm,llama,,a; b\nn,,m,\n")
    models = (Model("m", Lineage("llama", None, ("a", "b"))), Model("n", Lineage(None, "m")))
    assert read_lineage(path) == LineageFile(str(path), models)
    path.write_text("model,familiy\nm,llama\n")
    with pytest.raises(InputError, match="line 2, field 'familiy'"):
        read_lineage(path)
    path.write_text("model,family\nm,llama\nm,gpt\n")
    with pytest.raises(InputError, match="declared twice"):
        read_lineage(path)
