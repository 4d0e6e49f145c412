"""Where prompts, migrations, the app and the demo's data lie: inside a wheel, or at the top of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The folder ``name``: "prompts", "migrations", "app" or "demo".

    Raises FileNotFoundError when the installation carries neither place.
    """
    for root in (_PACKAGE / "_bundled", _PACKAGE.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"this installation of judgebench lacks its folder {name!r}; install it again")
