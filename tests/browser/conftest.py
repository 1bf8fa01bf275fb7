"""A real Chromium before the real server, on a small folder of pictures."""

import os
import shutil
from collections.abc import Iterator

import pytest
from browsing import CHROMIUM, Server, by_row, new_project
from projects import Project


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A running Chromium."""
    if not CHROMIUM:
        pytest.fail("a Chromium must be there to label in: `apt-get install chromium`, or its path in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Its sandbox refuses to run as root.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium) -> Iterator[object]:
    """A page in a browser of its own, which may log no error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert faults == []


@pytest.fixture(scope="session")
def _pictures(default_project_folder: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    names = [f"digit {n}" for n in range(10)]
    return new_project(default_project_folder, tmp_path_factory.mktemp("pictures"), names)


@pytest.fixture
def pictures(_pictures, tmp_path) -> tuple[Project, dict[int, str]]:
    """The project before its rounds, for this test alone, and the true class of each row."""
    project, truth = _pictures
    shutil.copytree(project.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project"), by_row(project, truth)


@pytest.fixture
def serve() -> Iterator[object]:
    """Starts servers, and ends them."""
    servers = []

    def started(project: Project, *options: str) -> Server:
        servers.append(Server(project, *options))
        return servers[-1]

    yield started
    for server in servers:
        if server.is_running:
            server.kill()
