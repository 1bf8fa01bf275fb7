"""The export for Label Studio: tasks with the machine's labels as predictions and people's as annotations."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

# Label Studio's own address of a file below its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT.
_LOCAL = "/data/local-files/?d="


def tasks(table: Mapping[str, np.ndarray], images: Sequence[str], *, model_version: str) -> list[dict[str, Any]]:
    """Return a task for each row of the export ``table``, in its order.

    ``images``: their addresses. The score of a prediction is the label's confidence.
    """
    columns = zip(images, *(table[name] for name in ("hash", "label", "origin", "confidence")), strict=True)
    return [
        {"data": {"image": image, "hash": key}} | _labelled(label, origin, float(confidence), model_version)
        for image, key, label, origin, confidence in columns
    ]


def _labelled(label: str, origin: str, confidence: float, model_version: str) -> dict[str, Any]:
    if not label:
        return {}
    if origin == "machine":
        return {"predictions": [prediction(label, confidence, model_version)]}
    return {"annotations": [{"result": _result(label)}]}


def prediction(label: str, confidence: float, model_version: str) -> dict[str, Any]:
    """Return the machine's label as a prediction of a task."""
    return {"model_version": model_version, "score": confidence, "result": _result(label)}


def _result(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [label]}}]


def addresses(paths: Iterable[str], hashes: Iterable[str], *, folder: Path) -> list[str]:
    """Return the address of each image, its file served from the project's folder; without one a name, of its hash.

    ``paths``: from ``folder``, itself relative to the project, or absolute; empty for an image without a file.
    """
    # Not resolved: what is a link here may be none where it is served.
    return [
        f"{_LOCAL}{quote(os.path.normpath(folder / path))}" if path else f"{key}.png"
        for path, key in zip(paths, hashes, strict=True)
    ]


def config(classes: Sequence[str]) -> str:
    """Return the labelling interface that the tasks are for, in XML: an image, and one of the classes."""
    choices = "".join(f"    <Choice value={quoteattr(name)}/>\n" for name in classes)
    # In lines above the image, so that a dozen classes need no scrolling.
    return (
        '<View>\n  <Choices name="label" toName="image" choice="single" showInline="true">\n'
        f'{choices}  </Choices>\n  <Image name="image" value="$image"/>\n</View>\n'
    )
