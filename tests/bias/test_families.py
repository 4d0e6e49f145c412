"""The table of public families proposes what authors said of their models, and nothing where a name says nothing."""

import pytest

from judgebench.bias.relatives import propose, propose_relatives
from judgebench.records import Lineage

FAMILIES = {
    "gpt": ["gpt-4o-2024-05-13", "gpt4_1106_preview", "text_davinci_003", "o3-mini", "chatgpt-4o", "gpt-oss-120b"],
    "claude": ["claude-2.1_concise", "claude-3-5-sonnet-20240620", "anthropic/claude-opus-4"],
    "gemini": ["gemini-1.5-flash", "google/gemini-2.5-pro", "bard"],
    "gemma": ["gemma-2b-it", "google/gemma-3-27b-it"],
    "llama": ["Meta-Llama-3.1-70B-Instruct", "llama-2-7b-chat", "meta-llama/Llama-3.3-70B", "CodeLlama-34b"],
    "qwen": ["Qwen2.5-7B-Instruct", "Qwen/QwQ-32B", "DeepSeek-R1-Distill-Qwen-7B"],
    "mistral": ["Mixtral-8x7B-Instruct-v0.1_concise", "mistralai/Mistral-7B", "zephyr-7b-beta", "ministral-8b"],
    "phi": ["phi-2", "Phi-3-mini", "microsoft/phi-4"],
    "deepseek": ["deepseek-v3", "deepseek-ai/DeepSeek-R1"],
    "command": ["command-r-plus", "c4ai-command-a"],
    "gpt-j": ["gpt-j-6b", "gpt4all-j"],
}  # fmt: skip


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, names in FAMILIES.items() for name in names])
def test_families(family: str, name: str) -> None:
    found = propose(name)
    assert found is not None
    assert found.lineage.family == family


@pytest.mark.parametrize("name", ["example", "response 1", "NullModel", "my-model", "careful", "", "photo3", "egpt"])
def test_a_name_that_says_nothing_is_left_alone(name: str) -> None:
    assert propose(name) is None


def test_parents_and_teachers() -> None:
    found = propose("OpenHermes-2.5-Mistral-7B")
    assert found is not None
    assert found.lineage == Lineage("mistral", "mistral-7b", ("gpt-4",))
    assert [(each.model, each.lineage.family) for each in propose_relatives(found.lineage)] == [
        ("mistral-7b", "mistral"),
        ("gpt-4", "gpt"),
    ]


def test_no_model_is_its_own_parent() -> None:
    for name in ("llama-2", "gpt4_1106_preview", "mistral-7b"):
        found = propose(name)
        assert found is not None
        assert found.lineage.parent != name
