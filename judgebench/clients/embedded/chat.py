"""The chat format of SmolLM2-Instruct, as tokens. It equals the template in the weights' metadata.

That template is not run: it builds one text in which what a message says and what the format says look alike.
"""

from collections.abc import Sequence

from judgebench.clients.embedded.tokenizer import Tokenizer
from judgebench.records import Message

START, END = "<|im_start|>", "<|im_end|>"
_DEFAULT_SYSTEM = Message("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")


def prompt_tokens(messages: Sequence[Message], tokenizer: Tokenizer) -> list[int]:
    """The conversation and the head of the assistant's next turn; without a system message, the model's own."""
    start, end = tokenizer.control(START), tokenizer.control(END)
    newline = tokenizer.encode("\n")
    if messages and messages[0].role != "system":
        messages = [_DEFAULT_SYSTEM, *messages]
    tokens: list[int] = []
    for message in messages:
        tokens += [start, *tokenizer.encode(f"{message.role}\n{message.content}"), end, *newline]
    return [*tokens, start, *tokenizer.encode("assistant\n")]
