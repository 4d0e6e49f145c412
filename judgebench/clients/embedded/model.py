"""The forward pass of a Llama-like transformer in float32 numpy: tokens in, log-probabilities out.

Pure functions of frozen arrays. What earlier tokens left behind (keys and values) is a value that several
continuations can share, never a cache that is written in place. No sampling and no text here.

Source: Touvron et al. 2023 (Llama): RMSNorm (Zhang and Sennrich 2019), rotary positions (Su et al. 2021), SwiGLU
(Shazeer 2020), grouped queries (Ainslie et al. 2023); input and output embeddings are shared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench.clients.embedded.weights_file import Floats, GgufFile

_CHUNK = 128  # tokens a step: large enough for the matrix product, small enough for memory
Past = tuple[tuple[Floats, Floats], ...]  # a layer: keys and values, each (key heads, tokens, head width)


@dataclass(frozen=True, slots=True, eq=False)
class TransformerLayer:
    """Weights as (outputs, inputs); products that read the same input are one matrix."""

    attention_norm: Floats
    queries_keys_values: Floats
    attention_output: Floats
    feed_norm: Floats
    gate_up: Floats
    down: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Transformer:
    """The weights and the numbers needed to use them."""

    embedding: Floats  # (vocabulary, width)
    layers: tuple[TransformerLayer, ...]
    output_norm: Floats  # (width,)
    heads: int
    key_heads: int  # heads / key_heads queries share one key
    norm_epsilon: float
    frequencies: NDArray[np.float64]  # (head width / 2,) radians a token

    @classmethod
    def of(cls, file: GgufFile) -> "Transformer":
        """Raises KeyError when the file lacks a tensor or a field of the Llama architecture."""
        about: Mapping[str, Any] = file.metadata
        width = about["llama.rope.dimension_count"]
        return cls(
            embedding=file.tensor("token_embd.weight"),
            layers=tuple(_layer(file, number) for number in range(about["llama.block_count"])),
            output_norm=file.tensor("output_norm.weight"),
            heads=about["llama.attention.head_count"],
            key_heads=about["llama.attention.head_count_kv"],
            norm_epsilon=about["llama.attention.layer_norm_rms_epsilon"],
            frequencies=about["llama.rope.freq_base"] ** (-np.arange(0, width, 2) / width),
        )

    def nothing(self) -> Past:
        """The past of the first token."""
        empty = np.empty((self.key_heads, 0, 2 * len(self.frequencies)), dtype=np.float32)
        return ((empty, empty),) * len(self.layers)


def extend(model: Transformer, tokens: Sequence[int], past: Past) -> tuple[Floats, Past]:
    """Read more tokens: their final states (n, width) and the past that includes them."""
    states = []
    for start in range(0, len(tokens), _CHUNK):
        state, past = _step(model, tokens[start : start + _CHUNK], past)
        states.append(state)
    width = model.embedding.shape[1]
    return np.concatenate([np.empty((0, width), dtype=np.float32), *states]), past


def next_logprobs(model: Transformer, states: Floats) -> Floats:
    """Log-probability of every token to come next, (n, vocabulary), natural logarithm."""
    logits = states @ model.embedding.T
    peak = logits.max(axis=1, keepdims=True)
    logits -= peak
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


def logprobs_of(model: Transformer, states: Floats, targets: Sequence[int]) -> Floats:
    """Log-probability of each target after its state, (n,), natural logarithm."""
    logprobs = np.empty(len(targets), dtype=np.float32)
    for start in range(0, len(targets), _CHUNK):
        rows = slice(start, start + _CHUNK)
        logprobs[rows] = np.take_along_axis(
            next_logprobs(model, states[rows]), np.asarray(targets[rows])[:, None], axis=1
        )[:, 0]
    return logprobs


def _layer(file: GgufFile, number: int) -> TransformerLayer:
    def of(*names: str) -> Floats:
        tensors = [file.tensor(f"blk.{number}.{name}.weight") for name in names]
        return tensors[0] if len(tensors) == 1 else np.concatenate(tensors)

    return TransformerLayer(
        attention_norm=of("attn_norm"),
        queries_keys_values=of("attn_q", "attn_k", "attn_v"),
        attention_output=of("attn_output"),
        feed_norm=of("ffn_norm"),
        gate_up=of("ffn_gate", "ffn_up"),
        down=of("ffn_down"),
    )


def _step(model: Transformer, tokens: Sequence[int], past: Past) -> tuple[Floats, Past]:
    x = model.embedding[np.asarray(tokens)]
    seen = past[0][0].shape[1]
    positions = np.arange(seen, seen + len(tokens))
    turns = np.exp(1j * positions[:, None] * model.frequencies).astype(np.complex64)
    now = []
    for layer, before in zip(model.layers, past, strict=True):
        mixed, keys_values = _attention(model, layer, _norm(x, layer.attention_norm, model.norm_epsilon), turns, before)
        x += mixed
        x += _feed_forward(layer, _norm(x, layer.feed_norm, model.norm_epsilon))
        now.append(keys_values)
    return _norm(x, model.output_norm, model.norm_epsilon), tuple(now)


def _norm(x: Floats, weight: Floats, epsilon: float) -> Floats:
    squares: Floats = np.einsum("ij,ij->i", x, x)
    scale: Floats = 1 / np.sqrt(squares / x.shape[1] + np.float32(epsilon))
    return x * scale[:, None] * weight


def _attention(
    model: Transformer, layer: TransformerLayer, x: Floats, turns: NDArray[np.complex64], before: tuple[Floats, Floats]
) -> tuple[Floats, tuple[Floats, Floats]]:
    n, width = len(x), 2 * len(model.frequencies)
    projected = (x @ layer.queries_keys_values.T).reshape(n, -1, width)
    rotated = _rotate(projected[:, : -model.key_heads], turns).swapaxes(0, 1)
    keys = np.concatenate([before[0], rotated[model.heads :]], axis=1)
    values = np.concatenate([before[1], projected[:, -model.key_heads :].swapaxes(0, 1)], axis=1)
    queries = rotated[: model.heads].reshape(model.key_heads, -1, width) / np.float32(np.sqrt(width))
    weights = _causal_softmax(queries @ keys.swapaxes(1, 2), n)
    mixed = (weights @ values).reshape(model.heads, n, width).swapaxes(0, 1).reshape(n, -1)
    return mixed @ layer.attention_output.T, (keys, values)


def _rotate(x: Floats, turns: NDArray[np.complex64]) -> Floats:
    """Turn neighbouring pairs of (n, heads, width) by their position; GGUF stores the pairs side by side."""
    pairs = np.ascontiguousarray(x).view(np.complex64) * turns[:, None, :]
    return pairs.view(np.float32)


def _causal_softmax(scores: Floats, n: int) -> Floats:
    """Over the last axis of (key heads, groups * n, tokens); the n newest tokens see none later than themselves."""
    keys, rows, total = scores.shape
    later = np.triu(np.full((n, n), -np.inf, dtype=np.float32), k=1)
    scores.reshape(keys, rows // n, n, total)[..., total - n :] += later
    scores -= scores.max(axis=2, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=2, keepdims=True)
    return scores


def _feed_forward(layer: TransformerLayer, x: Floats) -> Floats:
    gate_up: Floats = x @ layer.gate_up.T
    gate, up = gate_up[:, : layer.down.shape[1]], gate_up[:, layer.down.shape[1] :]
    with np.errstate(over="ignore"):  # exp of a very negative gate is infinite, and the quotient rightly 0
        gate /= 1 + np.exp(-gate)
    gate *= up
    return gate @ layer.down.T
