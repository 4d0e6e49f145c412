"""``judgebench`` and ``python -m judgebench``: the command line."""

import sys


def main() -> None:
    """The command line; an interrupt while it is still being loaded ends it quietly."""
    try:
        from judgebench.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
