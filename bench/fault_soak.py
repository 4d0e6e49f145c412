"""A longer run of the fault soak: nothing lost, nothing asked twice, no key shown.

python -m bench.fault_soak [--questions 20000] [--faults 0.4] [--seed 0]
"""

import argparse
import time

from tests.clients.soak import soak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--questions", type=int, default=20000)
    parser.add_argument("--faults", type=float, default=0.4, help="share of replies that are faults")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    started = time.perf_counter()
    account = soak(args.questions, fault_share=args.faults, seed=args.seed)
    print(f"{account.questions} questions, {account.requests} requests in {time.perf_counter() - started:.1f} s")
    print(f"calls counted {account.calls}, most at once {account.most_at_once}, peak {account.peak_mb} MB")
    print("replies ", account.faults)
    print("outcomes", account.outcomes)
    print("wrong   ", account.wrong or "nothing")
    raise SystemExit(1 if account.wrong else 0)


if __name__ == "__main__":
    main()
