"""Write the golden log-probabilities of the embedded judge, computed by torch and transformers from the same file.

Needs, in an environment of its own: torch, transformers, accelerate, gguf, tokenizers and the weights. The ids of the
tokens are the embedded judge's own, because transformers converts this file's tokenizer wrongly (digits). Run:

    python bench/embedded_golden.py > tests/clients/embedded/golden_logprobs.json
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, GgufConfig

from judgebench.clients.embedded import weights_file
from judgebench.clients.embedded.tokenizer import Tokenizer, prompt_tokens
from judgebench.records import PromptMessage

_LONG = " ".join(
    f"Step {number}: put {number * 37 % 101} grams of flour and {number % 7} eggs into bowl {number}, then stir."
    for number in range(1, 13)
)
CONVERSATIONS = [
    [
        PromptMessage("user", "What is the capital of France?"),
        PromptMessage("assistant", "The capital of France is Paris."),
    ],
    [
        PromptMessage("system", "Be brief."),
        PromptMessage("user", "Übersetze „guten Morgen“."),
        PromptMessage("assistant", "早上好 ☀️!"),
    ],
    [
        PromptMessage("user", "Write a function."),
        PromptMessage("assistant", "def f(x):\n    return x ** 2  # 1024\n\n\n<|im_end|>"),
    ],
    [PromptMessage("user", _LONG), PromptMessage("assistant", _LONG[:600])],
]


def main() -> None:
    path = weights_file.locate()
    tokenizer = Tokenizer(weights_file.read(path).metadata)
    model = AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    ).eval()
    texts = []
    for conversation in CONVERSATIONS:
        ids = prompt_tokens(conversation, tokenizer)
        with torch.no_grad():
            logprobs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        found = logprobs[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
        texts.append({"ids": ids, "logprobs": [round(value, 5) for value in found.tolist()]})
    about = f"torch {torch.__version__}, float32; log-probability of ids[i + 1] after ids[: i + 1]"
    json.dump({"source": about, "texts": texts}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
