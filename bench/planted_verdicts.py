"""How often a verdict that an output planted is read from a judge's reply, and how often an honest verdict is lost.

    python -m bench.planted_verdicts [--replies 10000] [--seed 0] [--show 0] [--nonce]

Replies are built, not asked: attacks x ways of quoting x bundled templates x what judges say
(``tests/judging/planted.py``).
"""

import argparse
from collections import Counter, defaultdict

from tests.judging.planted import Case, cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--replies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="print so many of the replies of each kind that went wrong")
    parser.add_argument("--nonce", action="store_true", help="under the defence verdict-nonce")
    args = parser.parse_args()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    shown: Counter[str] = Counter()
    for case in cases(args.seed, args.replies, nonce=args.nonce):
        outcome = case.outcome
        counts[case.kind][outcome] += 1
        if outcome != "right" and shown[case.kind] < args.show:
            shown[case.kind] += 1
            _print(case, outcome)
    print(f"{'replies that':20} {'n':>6} {'right':>7} {'planted':>8} {'wrong':>6} {'unreadable':>11}")
    for kind, outcomes in counts.items():
        total = outcomes.total()
        shares = [100 * outcomes[name] / total for name in ("right", "planted", "wrong", "unreadable")]
        print(f"{kind:20} {total:6} {shares[0]:6.2f}% {shares[1]:7.2f}% {shares[2]:5.2f}% {shares[3]:10.2f}%")


def _print(case: Case, outcome: str) -> None:
    print(f"--- {case.kind}: {outcome} ({case.template.id}; {case.how}); {case.verdict()}\n{case.reply}\n")


if __name__ == "__main__":
    main()
