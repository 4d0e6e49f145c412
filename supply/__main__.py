"""Whether the installed packages are the locked ones; the bill of materials is written on the way.

python -m supply check                   of the environment that runs this; writes sbom.cdx.json
python -m supply record REPORT [...]     after an installation: what pip's --report files say of it
"""

import argparse
import sys
from pathlib import Path

from supply import bill, installed
from supply.locks import pins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="compare what is installed with the locks, and write the bill of materials")
    recording = commands.add_parser("record", help="write down what was just installed")
    recording.add_argument("reports", type=Path, nargs="+")
    args = parser.parse_args()
    environment = installed.Environment(Path(sys.prefix))
    if args.command == "record":
        wrong = installed.record(environment, args.reports)
    else:
        wrong = installed.problems(environment, pins())
        bill.FILE.write_text(bill.text(), encoding="utf-8")
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong:
        print(f"to have the locked packages and no others: rm -r {environment.folder}, then make test", file=sys.stderr)
        raise SystemExit(1)
    print(f"{len(environment.distributions())} packages are as the locks have them")


if __name__ == "__main__":
    main()
