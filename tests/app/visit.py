"""A browser on the app, as tests use it."""

from pathlib import Path
from typing import Any

from judgebench import services
from judgebench.store.database import Database

_DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_RUNNING = '[data-testid="stApp"]:not([data-test-script-state="notRunning"])'
BOARD = '[aria-label="Leaderboard"] table.jb'  # all its numbers stand in another table below it
CHROMIUM = next(
    (path for path in map(Path, ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")) if path.exists()), None
)
_OPENINGS = 5  # of a list, which a page that is drawn anew closes
_PATIENCE_MS = 60_000  # of a page on a busy machine; waiting ends as soon as the condition holds


def launched(playwright: Any) -> Any:
    """A browser of Debian's. The shell draws no window, which takes half of the processor's time of one that does."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])


def context(browser: Any, **how: Any) -> Any:
    """A fresh browser, which trusts the certificate of whatever server it meets and shows nothing that moves: to draw
    what turns while a page computes takes a machine without a graphics card more than the page."""
    opened = browser.new_context(ignore_https_errors=True, reduced_motion="reduce", **how)
    opened.set_default_timeout(_PATIENCE_MS)
    return opened


class Visit:
    """A fresh browser on the app; it knows every request, dialog and error."""

    def __init__(self, browser: Any, address: str) -> None:
        self.address = address
        self.context = context(browser, viewport={"width": 1440, "height": 1000}, accept_downloads=True)
        self.page = self.context.new_page()
        self.elsewhere: list[str] = []
        self.dialogs: list[str] = []
        self.blocked: list[str] = []  # what the server's own policy kept the browser from
        self.page.on("request", self._note)
        self.page.on("dialog", self._dismiss)
        self.page.on("console", self._hear)
        # While a page is drawn anew, what it showed before stands beside what it shows now, and is still clickable:
        # no click, choice or text of a test goes to a page before it is whole.
        self.page.add_locator_handler(self.page.locator(_RUNNING), _nothing)

    def open(self, path: str) -> Any:
        self.page.goto(self.address + path)
        return self.settle()

    def turn(self, title: str) -> Any:
        """To another page in the same window, which takes a fraction of what opening its address does."""
        self.page.get_by_role("link", name=title, exact=True).first.click()
        self.page.locator("h1", has_text=title).wait_for()
        return self.settle()

    def settle(self) -> Any:
        """Wait until the page has run and stays so."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_selector(_DONE)
        self.page.wait_for_selector("[data-testid=stHeading]")
        self.page.wait_for_selector("[data-testid=stSkeleton]", state="detached")
        self.page.wait_for_selector(".awaited", state="detached")  # then the page is drawn anew, under whatever clicks
        return self.page

    def choose(self, box: Any, option: str) -> None:
        """Open a list and take one of it, once more where the page was drawn anew meanwhile, which closes the list."""
        listed = self.page.get_by_role("option", name=option)
        for _ in range(_OPENINGS):
            box.click()
            self.page.wait_for_timeout(500)
            if listed.count():
                break
            self.type("Escape")
        listed.click()

    def type(self, key: str) -> None:
        """Press a key once the page has run: no locator waits for a key as for a click."""
        self.settle().keyboard.press(key)

    def text(self) -> str:
        return str(self.page.inner_text("[data-testid=stMain]"))

    def nothing_happened(self) -> None:
        """No text that others wrote has run, asked for anything or become an element of the page."""
        self.page.wait_for_timeout(200)
        assert self.page.locator("[data-testid=stException]").count() == 0
        assert self.page.evaluate("window.owned") is None
        assert self.dialogs == []
        assert self.elsewhere == []
        inside = "[data-testid=stMain]"
        ours = (
            "img:not(figure > img[src^='data:image/'])"  # a copy that was made of pixels alone is no element of others
        )
        live = ("a[href^=javascript]", "iframe", "script", ours, "[onerror]", "[onload]", "[onmouseover]", ".katex")
        assert self.page.locator(", ".join(f"{inside} {each}" for each in live)).count() == 0

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:" + self.address)):
            self.elsewhere.append(request.url)

    def _hear(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.blocked.append(message.text)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def _nothing(_: Any) -> None:
    """What Playwright does while a page runs: it waits by itself until that ends."""


def models(path: Path) -> tuple[str, ...]:
    """Of the demo's benchmark in the database at ``path``."""
    opened = Database(str(path))
    names = services.benchmarks.benchmark(opened, "demo").models
    opened.close()
    return names
