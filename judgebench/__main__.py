"""``python -m judgebench`` is the command line."""

from judgebench.cli.main import main

main()
