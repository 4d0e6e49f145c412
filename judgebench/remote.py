"""A server of a team, asked over HTTP: what the local commands do, by a token, on somebody else's database."""

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judgebench import errors
from judgebench.errors import InputError, JudgeBenchError, MissingExtra, NoDatabase, UnknownName

if TYPE_CHECKING:
    import httpx2
    import pandas as pd

TOKEN_VARIABLE = "JUDGEBENCH_TOKEN"  # noqa: S105  # its name
_TOKEN = re.compile(r"[!-~]+")
_TIMEOUT_S = 120.0  # leaderboards of large benchmarks take their time
_TRIES = 4  # at least
_PATIENCE_S = 120.0  # with a server that has answered before, and is started anew or waits for its database
_MOST_WAIT_S = 60.0  # that a server may ask for before the next try
_POLL_S = 0.5
_OPEN = ("queued", "running")
_NOT_NOW = (429, 502, 503, 504)  # 502 and 504 are a proxy's, behind which nobody answers
_KINDS: Mapping[str, type[JudgeBenchError]] = {  # that are made of a message alone
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, JudgeBenchError) and kind not in (NoDatabase, UnknownName)
}
_TYPES = {  # of bodies, by how names of files end
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".json": "application/json",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".tab": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PACKED = {".gz": "gzip", ".zst": "zstd"}
API_HEADER = "Judgebench-Api"  # of every answer: whose it is
DECISION_HEADER = "Judgebench-Decision"  # of an answer that decides something: a comparison, an audit
Option = str | float | bool | Sequence[str] | None  # of a command, as a parameter of an address


class ServerUnreachable(JudgeBenchError):
    """The server does not answer, or not as a judgebench server does."""


class TeamServer:
    """A server. Every method raises what the local functions do, with the server's own sentence, and ServerUnreachable.
    Documents are those that ``--format json`` prints.

    >>> server = judgebench.connect("https://judge.example.org")
    >>> server.submit("outputs.jsonl", model="mine", benchmark="demo")
    >>> server.run(benchmark="demo", judge="gpt", all_pairs=True)
    >>> server.leaderboard("demo")["rows"]
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = _TIMEOUT_S) -> None:
        """``token``: else the variable JUDGEBENCH_TOKEN holds it. Raises InputError and MissingExtra."""
        try:
            import httpx2
        except ModuleNotFoundError as error:
            raise MissingExtra("asking a server needs httpx2: pip install 'judgebench[client]'") from error
        self.url = _checked(url)
        secret = (token or os.environ.get(TOKEN_VARIABLE, "")).strip()
        if not secret:
            raise InputError(
                f"{self.url} wants a token: set {TOKEN_VARIABLE}; there judgebench tokens create makes one"
            )
        if not _TOKEN.fullmatch(secret):  # it is not shown: it may be one but for a character
            raise InputError(f"that is no token: set {TOKEN_VARIABLE} to what judgebench tokens create printed")
        # What the environment says of proxies and logins (netrc) is left aside: the token goes to this server alone.
        self._http = httpx2.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
        self._has_answered = False

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "TeamServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TeamServer({self.url!r})"

    def me(self) -> dict[str, Any]:
        """The token's ``name``, ``role`` and ``benchmarks`` (empty: all)."""
        return self._document("GET", "/me")

    def benchmarks(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.read("benchmarks")
        return listed

    def leaderboard(self, benchmark: str, **options: Option) -> dict[str, Any]:
        """``options``: those of ``judgebench leaderboard``, with _ for -."""
        document: dict[str, Any] = self.read("leaderboard", benchmark=benchmark, **options)
        return document

    def rank(self, benchmark: str, **options: Option) -> "pd.DataFrame":
        """``leaderboard`` as a frame, one row a model."""
        import pandas as pd

        return pd.DataFrame(self.leaderboard(benchmark, **options)["rows"])

    def battles(self, benchmark: str, **options: Option) -> dict[str, Any]:
        """``total`` and a page of ``battles``; ``options``: those of ``judgebench battles``."""
        document: dict[str, Any] = self.read("battles", benchmark=benchmark, **options)
        return document

    def card(self, *judges: str, benchmark: str | None = None, level: float = 0.95) -> dict[str, Any]:
        """A judge's report card; of several judges ``cards``."""
        document: dict[str, Any] = self.read("card", judge=judges, benchmark=benchmark, level=level)
        return document

    def compare(self, first: str, second: str, *, benchmark: str, **options: Option) -> dict[str, Any]:
        """Two models beside each other, and by ``decision`` whether the second is worse. ``options``: those of
        ``judgebench compare``."""
        document: dict[str, Any] = self.read("compare", first=first, second=second, benchmark=benchmark, **options)
        return document

    def goals(self, benchmark: str, **options: Option) -> dict[str, Any]:
        """How many goals dialogues reached, and why others failed. ``options``: those of ``judgebench goals``."""
        document: dict[str, Any] = self.read("goals", benchmark=benchmark, **options)
        return document

    def steps(self, benchmark: str, **options: Option) -> dict[str, Any]:
        """What a judge says of the steps of outputs. ``options``: those of ``judgebench steps``."""
        document: dict[str, Any] = self.read("steps", benchmark=benchmark, **options)
        return document

    def audits(self, benchmark: str, *, kind: str | None = None) -> list[dict[str, Any]]:
        """The newest audits of judges, submissions and verdicts."""
        listed: list[dict[str, Any]] = self.read("audits", benchmark=benchmark, kind=kind)
        return listed

    def runs(self, benchmark: str | None = None) -> list[dict[str, Any]]:
        """What runs and imports stored, the newest first."""
        listed: list[dict[str, Any]] = self.read("runs", benchmark=benchmark)
        return listed

    def jobs(
        self, benchmark: str | None = None, *, state: Sequence[str] = (), last: int | None = None
    ) -> list[dict[str, Any]]:
        """The newest jobs, the newest first: a hundred, or the ``last`` so many, of these states."""
        listed: list[dict[str, Any]] = self.read("jobs", benchmark=benchmark, state=_names("state", state), last=last)
        return listed

    def job(self, number: int) -> dict[str, Any]:
        """A job: its ``state``, its ``progress``, and its ``report`` once it has ended."""
        return self._document("GET", f"/jobs/{int(number)}")

    def submit(
        self, outputs: "str | PathLike[str] | pd.DataFrame", *, model: str, benchmark: str,
        columns: Mapping[str, str] | None = None, family: str | None = None, parent: str | None = None,
        trained_on: Sequence[str] = (), accept_lineage: bool = False, extend: bool = False,
        new_benchmark: bool = False, accept_findings: bool = False, dry_run: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Send a file of a model's outputs, or a DataFrame, to be audited and stored. Arguments as of ``submit``.

        Returns: the report, with ``stored`` and ``already_stored``, and ``told``, what the terminal says of it.
        Raises InputError where something severe was found; its ``report`` then says what.
        """
        content, headers = _body(outputs)
        query = {
            "model": model, "benchmark": benchmark, "family": family, "parent": parent,
            "trained_on": _names("trained_on", trained_on),
            "map": [f"{field}={column}" for field, column in (columns or {}).items()],
            "accept_lineage": accept_lineage, "extend": extend, "new_benchmark": new_benchmark,
            "accept_findings": accept_findings, "dry_run": dry_run,
        }  # fmt: skip
        return self._document("POST", "/outputs", params=_given(query), content=content, headers=headers | _key())

    def start_run(
        self, *, benchmark: str, judge: str | Mapping[str, object], **more: str | float | bool | Sequence[object] | None
    ) -> int:
        """Queue a run. ``judge``: a known one by its name, or its model, url, key_env ...; ``more``: other fields of a
        study, such as all_pairs and max_cost. Returns the job's number."""
        fields = {"benchmark": benchmark, "judge": judge, **more}
        return int(self._document("POST", "/runs", json=fields, headers=_key())["job"])

    def start_audit(self, audit: str, settings: Mapping[str, Any]) -> int:
        """Queue an audit by its name; a judge in ``settings`` goes by its name. Returns the job's number."""
        fields = {"audit": audit, "settings": dict(settings)}
        return int(self._document("POST", "/audits", json=fields, headers=_key())["job"])

    def audit(self, audit: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """``start_audit``, and what it has found once it has ended: ``passed``, ``findings`` ..."""
        number = self.start_audit(audit, settings)
        self.wait(number)
        return self.audit_report(number)

    def audit_report(self, number: int) -> dict[str, Any]:
        """What an audit has found that has ended, by its job's number."""
        return self._document("GET", f"/jobs/{int(number)}/audit")

    def start_placement(
        self, models: Sequence[str], *, benchmark: str, judges: Sequence[str] = (), max_cost: float | None = None,
        agreed: bool = False, step: str = "start",
    ) -> dict[str, Any]:  # fmt: skip
        """Have models, whose outputs are stored, judged as the board of the benchmark is, by its judges or these.

        ``agreed``: it may cost more than 1 USD, or what nobody knows. ``step``: "plan" and "bill" start nothing.
        Returns: ``told``, who is asked and what that takes, and the numbers of the ``jobs``.
        """
        whole = {
            "benchmark": benchmark, "models": _names("models", models), "judges": _names("judges", judges),
            "max_cost": max_cost, "agreed": agreed, "step": step,
        }  # fmt: skip
        return self._document("POST", "/placements", json=whole, headers=_key())

    def placement(
        self, models: Sequence[str], *, benchmark: str, judges: Sequence[str] = (), jobs: Sequence[int] = ()
    ) -> dict[str, Any]:
        """Where models land by what is stored now. ``jobs``: those that asked, whose calls and cost are counted."""
        document: dict[str, Any] = self.read(
            "placement", benchmark=benchmark, model=models, judge=judges, job=list(map(str, jobs))
        )
        return document

    def watch(self, number: int, *, every_s: float = _POLL_S) -> Iterator[dict[str, Any]]:
        """The job as it is, again and again until it has ended."""
        while True:
            job = self.job(number)
            yield job
            if job["state"] not in _OPEN:
                return
            time.sleep(every_s)

    def wait(self, number: int, on_progress: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
        """The job once it has ended."""
        job: dict[str, Any] = {}
        for job in self.watch(number):
            if on_progress is not None:
                on_progress(job)
        return job

    def run(
        self, *, benchmark: str, judge: str | Mapping[str, object], **more: str | float | bool | Sequence[object] | None
    ) -> dict[str, Any]:
        """``start_run``, and the job once it has ended."""
        return self.wait(self.start_run(benchmark=benchmark, judge=judge, **more))

    def stop(self, number: int) -> dict[str, Any]:
        """Ask a job to end; what it has in flight is stored."""
        return self._document("DELETE", f"/jobs/{int(number)}")

    def resume(self, number: int) -> dict[str, Any]:
        """Queue a job again that was stopped or has failed: it goes on where it was. Returns its ``state``."""
        return self._document("POST", f"/jobs/{int(number)}/resume", headers=_key())

    def read(self, what: str, **options: Option) -> Any:
        """A document of the API's address ``what``, or its text where ``format`` is one of text."""
        return self.read_decided(what, **options)[0]

    def read_decided(self, what: str, **options: Option) -> tuple[Any, str]:
        """The same, and what it decides: of ``compare`` "worse", "no worse" or "cannot tell", of an audit "passed" or
        "failed"; else ""."""
        answer = self._ask("GET", f"/{what}", params=_given(options))
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.text, answer.headers.get(DECISION_HEADER, "")

    def _document(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        document: dict[str, Any] = self._ask(method, path, **request).json()
        return document

    def _ask(self, method: str, path: str, **request: Any) -> "httpx2.Response":
        """Asked again where the server is busy or gone: what reads or stops may be asked twice, and what is posted has
        a key by which it is done once."""
        import httpx2

        with _sendable():
            message = self._http.build_request(method, path, **request)
        begun, tries = time.monotonic(), 1
        while True:
            is_last = tries >= _TRIES and not (self._has_answered and time.monotonic() < begun + _PATIENCE_S)
            tries += 1
            try:
                answer = self._http.send(message)
            except httpx2.HTTPError as error:
                slow = isinstance(error, httpx2.TimeoutException) and not isinstance(error, httpx2.ConnectTimeout)
                if is_last or slow or not isinstance(error, httpx2.TransportError):
                    raise ServerUnreachable(f"{self.url} does not answer: {error or type(error).__name__}") from error
                time.sleep(_POLL_S)
                continue
            self._has_answered = True
            if answer.is_success:
                if API_HEADER not in answer.headers:
                    raise self._stranger(answer)
                return answer
            wait = answer.headers.get("retry-after")
            if is_last or not (answer.status_code in _NOT_NOW or (answer.status_code == 409 and wait)):
                raise self._refusal(answer)
            time.sleep(_wait_s(wait))

    def _stranger(self, answer: "httpx2.Response") -> ServerUnreachable:
        return ServerUnreachable(
            f"{self.url} answered {answer.status_code}, and not as judgebench serve does: is it the right address?"
        )

    def _refusal(self, answer: "httpx2.Response") -> JudgeBenchError:
        try:
            document = answer.json()
            message, kind = str(document["error"]), str(document.get("kind"))
        except (ValueError, KeyError, TypeError):
            return self._stranger(answer)
        error = _KINDS.get(kind, InputError)(message)
        if kind == UnknownName.__name__:
            error = UnknownName.told(message, str(document.get("unknown", "name")), str(document.get("name", "")))
        if "report" in document:
            error.report = document["report"]  # type: ignore[attr-defined]  # what was found in a submission
        return error


def _checked(url: str) -> str:
    """Raises InputError."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment:
        raise InputError(f"{url!r} is no server's address: write https://HOST, or http://HOST:PORT")
    return url.rstrip("/").removesuffix("/api/v1")


@contextmanager
def _sendable() -> Iterator[None]:
    """Raises InputError for what has no form in a request: not every text, number and object has one."""
    import httpx2

    try:
        yield
    except (ValueError, TypeError, OverflowError, RecursionError, httpx2.InvalidURL) as error:
        raise InputError(f"nothing was sent: what was given has no form in a request ({error})") from error


def _body(outputs: "str | PathLike[str] | pd.DataFrame") -> tuple[bytes, dict[str, str]]:
    """Raises InputError."""
    if not isinstance(outputs, str | PathLike):
        with _sendable():
            return outputs.to_json(orient="records", lines=True).encode(), {"Content-Type": "application/jsonl"}
    path = Path(outputs)
    packed = path.suffix.lower() if path.suffix.lower() in _PACKED else ""
    ending = Path(path.name.removesuffix(path.suffix)).suffix.lower() if packed else path.suffix.lower()
    if ending not in _TYPES:
        raise InputError(f"{path}: a server takes files that end in {', '.join(_TYPES)}, also with .gz or .zst")
    headers = {"Content-Type": _TYPES[ending]} | ({"Content-Encoding": _PACKED[packed]} if packed else {})
    try:
        return path.read_bytes(), headers
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check the path") from error


def _names(field: str, given: Sequence[str]) -> list[str]:
    """Raises InputError for a text, whose letters would be taken for names."""
    if isinstance(given, str):
        raise InputError(f"{field}: give a list of names, such as [{given!r}]")
    return list(given)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """As parameters of an address; what is None, empty or false is left out."""
    chosen = {
        name: value
        for name, value in options.items()
        if value is not None and value is not False and value not in ("", [], ())
    }
    return {name: "true" if value is True else value for name, value in chosen.items()}


def _key() -> dict[str, str]:
    """Under which a request that is sent twice is done once."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def _wait_s(given: str | None) -> float:
    try:
        return min(max(float(given or _POLL_S), _POLL_S), _MOST_WAIT_S)
    except ValueError:
        return _POLL_S
