"""The server's addresses: the page, its data, its pictures, and who may have them."""

import json
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selflabel.data import shown
from selflabel.labels.answers import name_of
from selflabel.labels.questions import AGAIN, CONFIRMED, REST
from selflabel.serve import dashboard
from selflabel.serve.job import Job
from selflabel.serve.session import Browser, Refused, Session

STATIC = Path(__file__).parent / "static"
COOKIE, VIEW_COOKIE = "selflabel", "selflabel_view"
# What who may only look may have.
VIEW = re.compile(r"/run|/api/(run|gallery|story/\d+)|/image/\d+|/static/.*")
# Why images may be confirmed or corrected in the grid.
CONFIRMABLE = (REST, AGAIN, CONFIRMED)
# No answer and no note is longer, and no grid.
LONGEST_BODY = 64_000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Doors:
    """Lets in who has the token, from this machine's own page alone, and logs each request without it.

    A first visit has the token in the address, and gets a cookie instead. ``annotator``: who answers, where the address
    does not name another one. ``view_token``: opens the run's page alone, on which nothing can be changed. ``hosts``:
    names and ports by which the server may be called; None: any. Other sites cannot read the cookie, and what they send
    has another origin.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, view_token: str, hosts: frozenset[str] | None, annotator: str
    ) -> None:
        self._app, self._token, self._view_token = app, token, view_token
        self._hosts, self._annotator = hosts, annotator
        self._browsers: dict[str, Browser] = {}
        self._view_key = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request, began, status = Request(scope), time.monotonic(), 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                names = {name for name, _ in message["headers"]}
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in names)]
            await send(message)

        response = self._refusal(request)
        browser = self._browsers.get(request.cookies.get(COOKIE, ""))
        # The address names somebody else: another one sits before the same browser now.
        if browser and request.query_params.get("annotator", browser.annotator) != browser.annotator:
            browser = None
        if not response and not browser and not self._may_view(request):
            response = self._first_visit(request)
        if not response:
            scope.setdefault("state", {})["browser"] = browser
        await (response or self._app)(scope, receive, send_on)
        took = 1_000 * (time.monotonic() - began)
        print(f"{request.method} {request.url.path} {status} {took:.0f} ms", file=sys.stderr, flush=True)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if self._hosts is not None and host not in self._hosts:
            return _error(400, "the server is called by another name than its own")
        if request.method in ("GET", "HEAD"):
            return None
        if request.headers.get("origin") != f"{request.url.scheme}://{host}":
            return _error(403, "only this server's own page may send answers")
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            return _error(415, "what is sent must be JSON")
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            return _error(413, f"what is sent must have at most {LONGEST_BODY:,} bytes")
        return None

    def _may_view(self, request: Request) -> bool:
        is_known = _is(request.cookies.get(VIEW_COOKIE, ""), self._view_key)
        return is_known and request.method == "GET" and VIEW.fullmatch(request.url.path) is not None

    def _first_visit(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        if _is(token, self._view_token):
            response = RedirectResponse("/run", status_code=303)
            response.set_cookie(VIEW_COOKIE, self._view_key, httponly=True, samesite="strict")
            return response
        if not _is(token, self._token):
            return _error(401, "open the address that `selflabel label` printed: this one lacks its token")
        try:
            annotator = name_of(request.query_params.get("annotator", self._annotator))
        except ValueError as error:
            return _error(400, str(error))
        key = secrets.token_urlsafe(32)
        self._browsers[key] = Browser(annotator)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, key, httponly=True, samesite="strict")
        return response


def app(
    session: Session,
    job: Job,
    *,
    token: str,
    view_token: str,
    hosts: frozenset[str] | None,
    annotator: str,
) -> ASGIApp:
    """Return the server as an ASGI application; ``job``: what the button Finish runs; the others as in ``Doors``."""

    def told(request: Request) -> Response:
        return JSONResponse(session.state(request.state.browser))

    async def page(_request: Request) -> Response:
        return FileResponse(STATIC / "label.html")

    async def run_page(_request: Request) -> Response:
        return FileResponse(STATIC / "run.html")

    def state(request: Request) -> Response:
        if request.query_params.get("wait"):
            session.wait()
        return told(request)

    async def answer(request: Request) -> Response:
        body = await _body(request)
        row, label, note = body.get("row"), body.get("label"), body.get("note", "")
        if not isinstance(row, int) or not isinstance(label, str) or not isinstance(note, str):
            raise Refused("an answer must have a row, a label and a note")

        def take() -> Response:
            session.answer(request.state.browser, row, label, note=note)
            return told(request)

        return await run_in_threadpool(take)

    async def name_class(request: Request) -> Response:
        name = (await _body(request)).get("name")
        if not isinstance(name, str):
            raise Refused("a class must have a name")

        def take() -> Response:
            session.name_class(name)
            return told(request)

        return await run_in_threadpool(take)

    def undo(request: Request) -> Response:
        session.undo(request.state.browser)
        return told(request)

    async def grid_page(_request: Request) -> Response:
        return FileResponse(STATIC / "grid.html")

    def grid(request: Request) -> Response:
        wanted = request.query_params
        return JSONResponse(session.grid(request.state.browser, wanted.get("strategy", ""), wanted.get("label", "")))

    async def confirm(request: Request) -> Response:
        body = await _body(request)
        strategy, cells = body.get("strategy"), body.get("cells")
        are_cells = isinstance(cells, list) and all(
            isinstance(cell, dict) and type(cell.get("row")) is int and isinstance(cell.get("label"), str)
            for cell in cells
        )
        if strategy not in CONFIRMABLE or not cells or not are_cells:
            raise Refused(f"a grid must have a strategy ({', '.join(CONFIRMABLE)}) and cells, each a row and a label")
        labels = {cell["row"]: cell["label"] for cell in cells}

        def take() -> Response:
            return JSONResponse({"n_left_out": session.confirm(request.state.browser, strategy, labels)})

        return await run_in_threadpool(take)

    def finish(request: Request) -> Response:
        if not job.start():
            return _error(409, "it is running already")
        return JSONResponse({"started": True})

    def progress(request: Request) -> Response:
        since = request.query_params.get("from", "0")
        return JSONResponse(job.since(int(since) if since.isdecimal() else 0))

    def run(_request: Request) -> Response:
        if not session.rounds:
            return JSONResponse({"message": "The rounds are being played."})
        return JSONResponse(dashboard.overview(session.rounds, session.project, session.project.tested(session.rounds)))

    def gallery(request: Request) -> Response:
        if not session.rounds:
            return JSONResponse({"n": 0, "per_page": dashboard.PER_PAGE, "items": []})
        return JSONResponse(dashboard.gallery(session.rounds, session.project, request.query_params))

    def story(request: Request) -> Response:
        row: int = request.path_params["row"]
        if not session.rounds or row >= len(session.project.index):
            return _error(404, f"the row must be one from 0 to {len(session.project.index) - 1}, got {row}")
        return JSONResponse({"lines": dashboard.story(session.rounds, session.project, row)})

    def image(request: Request) -> Response:
        row: int = request.path_params["row"]
        if row >= len(session.project.index):
            return _error(404, f"the row must be one from 0 to {len(session.project.index) - 1}, got {row}")
        longest = shown.SIZES.get(request.query_params.get("size", ""), shown.SHOWN)
        data, kind = shown.encoded(
            session.project.source_of(row), longest=longest, max_pixels=session.project.params.dataset.max_pixels
        )
        # The same row is the same image for as long as the server runs.
        return Response(data, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})

    routes = [
        Route("/", page),
        Route("/api/state", state),
        Route("/api/answer", answer, methods=["POST"]),
        Route("/api/class", name_class, methods=["POST"]),
        Route("/api/undo", undo, methods=["POST"]),
        Route("/grid", grid_page),
        Route("/api/grid", grid),
        Route("/api/grid", confirm, methods=["POST"]),
        Route("/api/finish", finish, methods=["POST"]),
        Route("/api/finish", progress),
        Route("/run", run_page),
        Route("/api/run", run),
        Route("/api/gallery", gallery),
        Route("/api/story/{row:int}", story),
        Route("/image/{row:int}", image),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers: dict[Any, Callable[[Request, Any], Response | Awaitable[Response]]] = {
        Refused: lambda _request, error: _error(409, str(error)),
        OSError: lambda _request, error: _error(507, f"the disk does not take it: {error.strerror or error}"),
        ValueError: lambda _request, error: _error(500, str(error)),
    }
    inner = Starlette(routes=routes, exception_handlers=handlers)
    return Doors(inner, token=token, view_token=view_token, hosts=hosts, annotator=annotator)


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise Refused("what is sent must be JSON") from error
    if not isinstance(body, dict):
        raise Refused("what is sent must be a JSON object")
    return body


def _is(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode(), secret.encode())


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)


def hosts_of(host: str, port: int) -> frozenset[str] | None:
    """Return by which names the server on ``host`` may be called, with its port; None for all of a machine's."""
    if host in ("0.0.0.0", "::", ""):
        return None
    names = {host, "127.0.0.1", "localhost"} if host in ("127.0.0.1", "localhost", "::1") else {host}
    return frozenset(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names)


def address(host: str, port: int, token: str, path: str = "/") -> str:
    """Return the address to open in a browser."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    parts = urlsplit(f"http://{name}:{port}{path}")
    return parts._replace(query=f"token={token}").geturl()
