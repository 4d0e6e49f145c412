"""Starting the web app."""


def launch(database: str, *, port: int | None, headless: bool) -> int:
    raise NotImplementedError
