"""Start the server: play what comes before the rounds, read it, open the browser."""

import getpass
import json
import re
import secrets
import socket
import subprocess
import sys
import threading
import webbrowser
from pathlib import Path

import uvicorn

from selflabel.labels import state
from selflabel.labels.answers import name_of
from selflabel.people.answer_file import AnswerFile
from selflabel.serve import app as server
from selflabel.serve.job import Job
from selflabel.serve.project import STAGES, Project, Rounds, check_people_answer
from selflabel.serve.session import Session

PORT = 8420
TOKEN_BYTES = 24


def serve(
    folder: Path, *, host: str, port: int | None, annotator: str | None, has_hints: bool, opens_browser: bool
) -> None:
    """Serve the page of the project in ``folder`` until somebody ends it.

    ``port``: None for the usual one, or a free one where that is taken. ``annotator``: None for the name that Git or
    the system has. ``has_hints``: as in ``Session``. Raises ``ValueError`` for a name that cannot stand in answers.csv,
    and ``OSError`` for a port that is taken.
    """
    name = name_of(annotator or default_annotator())
    check_people_answer(folder)
    listener = listening(host, port)
    play_before_the_rounds(folder)
    project = Project.read(folder)
    file = AnswerFile(folder / "answers.csv", classes=project.classes, known=project.index.hash.tolist())
    # A fault of answers.csv is told here, and not to who opens the page.
    file.read()
    session = Session(project, file, train=lambda current: play_to_the_audit(current, file), has_hints=has_hints)
    session.start()
    job = Job(["dvc", "repro"], folder)
    token, view_token = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    port = listener.getsockname()[1]
    application = server.app(
        session,
        job,
        token=token,
        view_token=view_token,
        hosts=server.hosts_of(host, port),
        annotator=name,
    )
    address = server.address(host, port, token)
    print(
        f"label: {name} answers at {address}\n"
        f"       who may only look: {server.address(host, port, view_token, '/run')}\n"
        "       Ctrl+C ends it; every answer is in answers.csv already",
        flush=True,
    )
    if opens_browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=75
    )
    uvicorn.Server(config).run(sockets=[listener])


def default_annotator() -> str:
    """Return the name that Git knows, else the one that the system knows."""
    try:
        named = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True).stdout
    except OSError:
        named = ""
    return re.sub(r"[;\r\n]", " ", named).strip() or getpass.getuser()


def listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens; raise ``OSError`` naming a port that was asked for and is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in (PORT, 0) if port is None else (port,):
        # With its protocol named: asyncio then sends each part at once, and none waits 40 ms for the other end.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
        except OSError as error:
            listener.close()
            if number == 0 or port is not None:
                raise OSError(f"{host}:{number} cannot be listened on: {error.strerror}") from error
            continue
        listener.listen(128)
        return listener
    raise OSError(f"no port of {host} is free")


def play_before_the_rounds(folder: Path) -> None:
    """Play the stages that the rounds start from, where they are stale; tell which."""
    status = subprocess.run(
        ["dvc", "status", "--json", "--with-deps", *STAGES], cwd=folder, capture_output=True, text=True
    )
    stale = list(json.loads(status.stdout)) if status.returncode == 0 else list(STAGES)
    if not stale:
        return
    print(f"label: plays what the rounds start from: {', '.join(stale)}", file=sys.stderr, flush=True)
    if _repro(folder, *STAGES):
        raise ValueError("the stages before the rounds must run, got the fault above; `selflabel plan` may tell more")


def _repro(folder: Path, *stages: str) -> int:
    """Return the exit code of `dvc repro`; its lines go to stderr, for stdout has the address alone."""
    return subprocess.run(["dvc", "repro", *stages], cwd=folder, stdout=sys.stderr).returncode


def play_to_the_audit(project: Project, file: AnswerFile) -> Rounds:
    """Play the stages up to the audit, and return what they left."""
    if _repro(project.folder, "audit"):
        raise ValueError("`dvc repro audit` must run, got the fault that it printed")
    data, n_rounds = project.folder / "data", project.params.self_label.iterations
    final = state.read(data / "final")
    return Rounds([state.read(data / f"rounds/{n_rounds}")], final, project.audit(final, file.read()))
