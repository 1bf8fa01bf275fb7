"""The server as a browser meets it: a real one on a free port, whose session is a stand-in."""

import http.client
import json
import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import uvicorn

from selflabel.serve import app, server
from selflabel.serve.job import Job
from selflabel.serve.session import Refused

TOKEN, VIEW = "a-token", "a-token-to-look"
ANSWER = {"row": 3, "label": "Coat", "note": ""}


class Session:
    """Notes what it is told; raises what it was told to raise."""

    rounds = None

    def __init__(self, project):
        self.project, self.answers, self.error, self.classes = project, [], None, []

    def name_class(self, name):
        if name == "Coat":
            raise Refused("classes must differ")
        self.classes.append(name)

    def state(self, browser):
        return {"annotator": browser.annotator, "classes": ["<script>alert(1)</script>", "Coat"]}

    def answer(self, browser, row, label, *, note):
        if self.error:
            raise self.error
        self.answers.append((row, label, note))

    def undo(self, browser):
        raise Refused("there is no answer of this browser to take back")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The host and port of a server, and its session."""
    images = np.arange(5 * 9 * 7, dtype=np.uint8).reshape(5, 9, 7)
    project = SimpleNamespace(
        index=range(5), source_of=images.__getitem__, params=SimpleNamespace(dataset=SimpleNamespace(max_pixels=10**6))
    )
    session, listener = Session(project), server.listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    application = app.app(
        session, Job(["python", "-c", "print('one'); print('two')"], tmp_path_factory.mktemp("job")),
        token=TOKEN, view_token=VIEW, hosts=app.hosts_of("127.0.0.1", port), annotator="ann",
    )  # fmt: skip
    running = uvicorn.Server(uvicorn.Config(application, log_level="error", access_log=False))
    threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True).start()
    while not running.started:
        time.sleep(0.01)
    yield f"127.0.0.1:{port}", session
    running.should_exit = True


def ask(host, method, path, body=None, **headers):
    """The status, the headers in lower case, and the bytes of an answer."""
    connection = http.client.HTTPConnection(host)
    if body is not None:
        headers = {"Origin": f"http://{host}", "Content-Type": "application/json"} | headers
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, content


@pytest.fixture
def cookie(running):
    status, headers, _ = ask(running[0], "GET", f"/?token={TOKEN}")
    assert (status, headers["location"]) == (303, "/")
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=strict" in headers["set-cookie"]
    return headers["set-cookie"].partition(";")[0]


def test_who_has_the_cookie_gets_the_page_and_its_parts(running, cookie):
    for path, kind in (("/", "text/html"), ("/static/label.js", "javascript"), ("/static/label.css", "text/css")):
        status, headers, content = ask(running[0], "GET", path, Cookie=cookie)
        assert status == 200 and kind in headers["content-type"] and content
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"


def test_a_class_is_named_and_a_bad_name_is_refused_in_a_sentence(running, cookie):
    host, session = running
    assert ask(host, "POST", "/api/class", {"name": "boot"}, Cookie=cookie)[0] == 200 and session.classes == ["boot"]
    for name, sentence in (("Coat", "classes must differ"), (7, "a class must have a name")):
        status, _, content = ask(host, "POST", "/api/class", {"name": name}, Cookie=cookie)
        assert (status, json.loads(content)) == (409, {"error": sentence})
    assert ask(host, "POST", "/api/class", {"name": "boot"})[0] == 401 and session.classes == ["boot"]


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=another", "/api/state", "/image/1", "/static/label.js"])
def test_without_the_token_nothing_is_given(running, path):
    status, _, content = ask(running[0], "GET", path)
    assert status == 401 and b"open the address that `selflabel label` printed" in content
    assert ask(running[0], "GET", path, Cookie="selflabel=guessed")[0] == 401


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_another_host_another_site_and_a_form_are_refused(running, cookie, headers, expected):
    host, session = running
    n_before = len(session.answers)
    status, _, content = ask(host, "POST", "/api/answer", ANSWER, Cookie=cookie, **headers)
    assert status == expected and json.loads(content)["error"] and len(session.answers) == n_before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (ANSWER, 200), (b"{", 409), ([1], 409), ({"row": "3", "label": "Coat"}, 409), ({"row": 3}, 409),
        ({**ANSWER, "note": "x" * 70_000}, 413),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused_with_a_sentence(running, cookie, body, status):
    got, _, content = ask(running[0], "POST", "/api/answer", body, Cookie=cookie)
    assert got == status and (status == 200 or json.loads(content)["error"])


def test_a_full_disk_and_an_image_that_waits_no_more_are_told_apart(running, cookie):
    host, session = running
    for error, status in ((OSError(28, "No space left on device"), 507), (Refused("the round is over"), 409)):
        session.error = error
        got, _, content = ask(host, "POST", "/api/answer", ANSWER, Cookie=cookie)
        assert got == status and str(error.args[-1]) in json.loads(content)["error"]
    session.error = None
    assert ask(host, "POST", "/api/undo", {}, Cookie=cookie)[0] == 409


def test_images_are_served_by_row_of_this_pool_alone(running, cookie):
    status, headers, content = ask(running[0], "GET", "/image/4", Cookie=cookie)
    assert (status, headers["content-type"]) == (200, "image/png") and content.startswith(b"\x89PNG")
    for path in ("/image/5", "/image/-1", "/image/..%2f..%2fparams.yaml", "/static/../../params.yaml"):
        assert ask(running[0], "GET", path, Cookie=cookie)[0] == 404


def test_finish_runs_its_command_and_gives_its_lines(running, cookie):
    host, _ = running
    assert ask(host, "POST", "/api/finish", {}, Cookie=cookie)[0] == 200
    deadline, lines, told = time.monotonic() + 30, [], {"next": 0, "ended": False}
    while not told["ended"] and time.monotonic() < deadline:
        told = json.loads(ask(host, "GET", f"/api/finish?from={told['next']}", Cookie=cookie)[2])
        lines += told["lines"]
        time.sleep(0.02)
    assert lines == ["one", "two"] and told["ok"]


def test_an_answer_does_not_wait_for_the_networks_acknowledgement(running, cookie):
    """Two parts of an answer, sent without delay: where the first waits to be acknowledged it takes 40 ms."""
    host, _ = running
    connection = http.client.HTTPConnection(host)
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        connection.request("GET", "/api/state", headers={"Cookie": cookie})
        connection.getresponse().read()
        seconds.append(time.monotonic() - began)
    connection.close()
    assert np.median(seconds) < 0.03


def test_a_port_that_is_taken_is_named_and_another_is_found_where_none_was_asked_for(monkeypatch):
    taken = server.listening("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with pytest.raises(OSError, match=f"127.0.0.1:{port} cannot be listened on"):
        server.listening("127.0.0.1", port)
    monkeypatch.setattr(server, "PORT", port)
    other = server.listening("127.0.0.1", None)
    assert other.getsockname()[1] != port and other.type == socket.SOCK_STREAM
    taken.close()
    other.close()


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", {"127.0.0.1:80", "localhost:80"}),
        ("192.0.2.7", {"192.0.2.7:80"}),
        ("::1", {"[::1]:80", "127.0.0.1:80", "localhost:80"}),
        ("0.0.0.0", None),
    ],
)
def test_a_server_is_called_by_its_own_names(host, names):
    assert app.hosts_of(host, 80) == names
    assert app.address("::1", 80, "t") == "http://[::1]:80/?token=t"
    assert app.address("0.0.0.0", 80, "t") == "http://127.0.0.1:80/?token=t"


def test_who_may_only_look_sees_the_run_and_cannot_answer(running):
    host, session = running
    status, headers, _ = ask(host, "GET", f"/run?token={VIEW}")
    assert (status, headers["location"]) == (303, "/run")
    cookie = headers["set-cookie"].partition(";")[0]
    for path in ("/run", "/api/run", "/api/gallery", "/image/1", "/static/run.js"):
        assert ask(host, "GET", path, Cookie=cookie)[0] == 200, path
    n_before = len(session.answers)
    for method, path in (("GET", "/"), ("GET", "/api/state"), ("POST", "/api/answer"), ("POST", "/api/finish")):
        body = ANSWER if method == "POST" else None
        assert ask(host, method, path, body, Cookie=cookie)[0] == 401, path
    assert len(session.answers) == n_before


def test_who_may_label_may_look_too(running, cookie):
    assert ask(running[0], "GET", "/run", Cookie=cookie)[0] == 200


def test_the_address_may_name_who_answers(running):
    host, _ = running
    for query, name in (("", "ann"), ("&annotator=Bob%20B.", "Bob B.")):
        cookie = ask(host, "GET", f"/?token={TOKEN}{query}")[1]["set-cookie"].partition(";")[0]
        assert json.loads(ask(host, "GET", "/api/state", Cookie=cookie)[2])["annotator"] == name
        # Opened once more it is the same person, unless it names another one.
        assert "set-cookie" not in ask(host, "GET", f"/?token={TOKEN}{query}", Cookie=cookie)[1]
        assert "set-cookie" in ask(host, "GET", f"/?token={TOKEN}&annotator=eve", Cookie=cookie)[1]
    assert ask(host, "GET", f"/?token={TOKEN}&annotator=a%3Bb")[0] == 400
