"""Ask the embedded judge "A or B?" in both orders: how often it names the first, and whether log-odds help.

The same pairs as bench/embedded_agreement.py, whose options this takes.
"""

import argparse
import asyncio
import math
from pathlib import Path

from embedded_agreement import Pair, decisive_pairs, line

from judgebench.clients.embedded import EmbeddedClient
from judgebench.records import ChatPrompt, PromptMessage

_QUESTION = """Two assistants answered the same question. Which answer is better?

Question:
{question}

Answer A:
{first}

Answer B:
{second}

Reply with one letter, A or B."""


async def first_log_odds(client: EmbeddedClient, question: str, first: str, second: str) -> float:
    """log p("A") - log p("B") of the first token, or NaN where either is not among its alternatives."""
    text = _QUESTION.format(question=question, first=first, second=second)
    completion = await client.complete(ChatPrompt((PromptMessage("user", text),)), {})
    found = dict(completion.logprobs[0].top) if completion.logprobs else {}
    return found.get("A", math.nan) - found.get("B", math.nan)


async def both_orders(client: EmbeddedClient, pair: Pair) -> tuple[float, float]:
    one, other = pair.responses
    return (
        await first_log_odds(client, pair.prompt, one, other),
        await first_log_odds(client, pair.prompt, other, one),
    )


async def main(arguments: argparse.Namespace) -> None:
    pairs = decisive_pairs(arguments.file, arguments.pairs, arguments.seed)
    client = EmbeddedClient()
    found = [(*await both_orders(client, pair), pair.better) for pair in pairs]
    await client.close()
    answered = [row for row in found if not math.isnan(row[0] + row[1])]
    odds = [value for ab, ba, _ in answered for value in (ab, ba)]
    print(f"{len(pairs)} pairs, seed {arguments.seed}; {len(answered)} with both letters among 20 alternatives twice")
    print(line("names the first shown", sum(value > 0 for value in odds), len(odds)))
    print(line("agreement, one order", sum((ab < 0) == bool(better) for ab, _, better in answered), len(answered)))
    both = sum((ab < ba) == bool(better) for ab, ba, better in answered)
    print(line("agreement, log-odds, both orders", both, len(answered)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(main(parser.parse_args()))
