"""A Label Studio server, by its REST API (tried with 1.23).

Not by its SDK, which wants older versions of NumPy and OpenCV than those that the labels' bytes depend on.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

SECONDS = 60.0
PER_PAGE = 500


class Server:
    """The server at ``url``; ``key``: an access token of either kind.

    Every method raises ``ValueError`` in one sentence where the server cannot be reached or refuses what is asked.
    """

    def __init__(self, url: str, key: str) -> None:
        if not re.fullmatch(r"https?://\S+", url):
            raise ValueError(f"LABEL_STUDIO_URL must be an address such as http://localhost:8080, got {url!r}")
        if not key:
            raise ValueError(
                "LABEL_STUDIO_API_KEY must be an access token (Account & Settings in Label Studio), got none"
            )
        self.url, self._key = url.rstrip("/"), key
        self._session = requests.Session()
        self._log_in()

    def project(self, title: str, label_config: str) -> int:
        """Return the number of the project with this title, made if there is none; its interface is that given.

        Tasks come in their order, can be skipped, and are done after one annotation.
        """
        wanted = {
            "label_config": label_config, "sampling": "Sequential sampling", "show_skip_button": True,
            "maximum_annotations": 1, "show_collab_predictions": True, "enable_empty_annotation": False,
        }  # fmt: skip
        number = self.find(title)
        if number is None:
            return int(self._call("POST", "projects", json={"title": title, **wanted})["id"])
        there = self._call("GET", f"projects/{number}")
        # The server strips what it is given.
        if there["label_config"].strip() != label_config.strip():
            self._call("PATCH", f"projects/{number}", json={"label_config": label_config})
        return number

    def find(self, title: str) -> int | None:
        """Return the number of the project with this title, the oldest of several; None if there is none."""
        numbers, page = [], f"projects?page_size={PER_PAGE}"
        while page:
            listed = self._call("GET", page)
            numbers += [each["id"] for each in listed["results"] if each["title"] == title]
            page = (listed["next"] or "").partition("/api/")[2]
        return min(numbers, default=None)

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """Return all tasks with annotations, skips and drafts, in their order."""
        exported = self._call("GET", f"projects/{project}/export?exportType=JSON&download_all_tasks=true")
        return sorted(exported, key=lambda task: task["id"])

    def emails(self) -> dict[int, str]:
        """Return the e-mail addresses of people by their numbers."""
        return {each["id"]: each["email"] for each in self._call("GET", "users")}

    def uploads(self, project: int) -> dict[str, str]:
        """Return the address of each uploaded picture by its name without ending."""
        listed = self._call("GET", f"projects/{project}/file-uploads?all=true")
        # The server puts eight letters of its own before a name.
        names = {Path(each["file"]).stem.partition("-")[2]: each["file"] for each in listed}
        return {name: f"/data/{file}" for name, file in names.items()}

    def upload(self, project: int, pictures: Sequence[tuple[str, bytes, str]]) -> None:
        """Upload pictures, each name, bytes and media type, without making tasks of them."""
        parts = [(name, (name, data, kind)) for name, data, kind in pictures]
        self._call("POST", f"projects/{project}/import?commit_to_project=false", files=parts)

    def serve_folder(self, project: int, folder: Path) -> None:
        """Let the server read the files of a folder of its own machine for a project, unless it may already."""
        there = self._call("GET", f"storages/localfiles?project={project}")
        if str(folder) not in [each["path"] for each in there]:
            storage = {"project": project, "title": "images", "path": str(folder), "use_blob_urls": True}
            self._call("POST", "storages/localfiles", json=storage)

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Make tasks, which come after all others."""
        if tasks:
            self._call("POST", f"projects/{project}/import", json=list(tasks))

    def delete_tasks(self, project: int, numbers: Sequence[int]) -> None:
        """Delete tasks with all that belongs to them."""
        if numbers:
            chosen = {"selectedItems": {"all": False, "included": list(numbers)}}
            self._call("POST", f"dm/actions?id=delete_tasks&project={project}", json=chosen)

    def show_predictions(self, project: int, version: str) -> None:
        """Show the predictions of a version, and delete those of others."""
        there = self._call("GET", f"predictions?project={project}")
        for each in there:
            if each["model_version"] != version:
                self._call("DELETE", f"predictions/{each['id']}")
        # A version that has none, as an audit's, is refused.
        if any(each["model_version"] == version for each in there):
            self._call("PATCH", f"projects/{project}", json={"model_version": version})

    def _log_in(self) -> None:
        authorization = f"Token {self._key}"
        # A personal access token, of three parts, is changed for one that holds some minutes.
        if self._key.count(".") == 2:
            reply = self._request("POST", "token/refresh", json={"refresh": self._key})
            if not reply.ok:
                raise self._refused()
            authorization = f"Bearer {reply.json()['access']}"
        self._session.headers["Authorization"] = authorization

    def _call(self, method: str, path: str, **content: Any) -> Any:
        reply = self._request(method, path, **content)
        if reply.status_code == 401:
            self._log_in()
            reply = self._request(method, path, **content)
        if reply.status_code == 401:
            raise self._refused()
        if not reply.ok:
            raise ValueError(f"{self.url} must take {method} {path.partition('?')[0]}, got {_why(reply)}")
        return reply.json() if reply.content else None

    def _refused(self) -> ValueError:
        return ValueError(f"LABEL_STUDIO_API_KEY must be a token that {self.url} knows, got one that it refuses")

    def _request(self, method: str, path: str, **content: Any) -> requests.Response:
        try:
            return self._session.request(method, f"{self.url}/api/{path}", timeout=SECONDS, **content)
        except requests.RequestException as error:
            raise ValueError(f"LABEL_STUDIO_URL must be a running Label Studio, got none at {self.url}") from error


def _why(reply: requests.Response) -> str:
    try:
        told = reply.json()
        reasons = told.get("validation_errors") or told.get("detail")
    except (ValueError, AttributeError):
        reasons = None
    return f"{reply.status_code} {reasons or reply.reason!s:.300}"
