"""The weights are read once a session; without them these tests skip."""

from pathlib import Path

import numpy as np
import pytest

from judgebench.clients.embedded import weights_file
from judgebench.clients.embedded.engine import Engine
from judgebench.clients.embedded.model import Transformer, TransformerLayer
from judgebench.clients.embedded.tokenizer import Tokenizer
from judgebench.clients.embedded.weights_file import GgufFile, read
from judgebench.errors import MissingExtra


@pytest.fixture(scope="session")
def path() -> Path:
    try:
        return weights_file.locate()
    except MissingExtra as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def file(path: Path) -> GgufFile:
    return read(path)


@pytest.fixture(scope="session")
def tokenizer(file: GgufFile) -> Tokenizer:
    return Tokenizer(file.metadata)


@pytest.fixture(scope="session")
def model(file: GgufFile) -> Transformer:
    return Transformer.of(file)


@pytest.fixture(scope="session")
def engine(model: Transformer, tokenizer: Tokenizer) -> Engine:
    return Engine(model, tokenizer)


@pytest.fixture(scope="session")
def tiny() -> Transformer:
    """Two random layers, 50 tokens: quick, and needs no weights."""
    rng = np.random.default_rng(0)
    heads, key_heads, head_width, width, inner = 4, 2, 8, 16, 24

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.3, shape).astype(np.float32)

    layers = tuple(
        TransformerLayer(
            attention_norm=1 + draw(width),
            queries_keys_values=draw((heads + 2 * key_heads) * head_width, width),
            attention_output=draw(width, heads * head_width),
            feed_norm=1 + draw(width),
            gate_up=draw(2 * inner, width),
            down=draw(width, inner),
        )
        for _ in range(2)
    )
    frequencies = 10.0 ** -np.arange(head_width // 2)
    return Transformer(draw(50, width), layers, 1 + draw(width), heads, key_heads, 1e-5, frequencies)
