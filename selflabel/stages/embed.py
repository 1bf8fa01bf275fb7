"""Make vectors of the images with networks that others have trained, where an extractor wants some."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.config.schema import EMBEDDINGS
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "pool-images", "test-images", "index", "own", "out")
    params = load(sections=["dataset", "features"])
    wanted = params.features.extractor
    names = [name for name in EMBEDDINGS if name in (wanted if isinstance(wanted, list) else [wanted])]
    if not names:
        # DVC wants the folder.
        files.write_json(Path(args.out, "networks.json"), {})
        say("embed: no network is wanted")
        return
    # They take a tenth of a second, and small grey images need no network.
    from selflabel.data import user_images
    from selflabel.embeddings import compute
    from selflabel.embeddings.pictures import Pictures

    options = {
        "efficientnet_lite0": params.features.efficientnet_lite0.model_dump(),
        "onnx": params.features.onnx.model_dump(),
        "keras": params.features.keras.model_dump(),
        "precomputed": params.features.precomputed.model_dump(),
    }
    parts: dict[str, Pictures] = {}
    keys: dict[str, dict[str, list[str]]] = {}
    index = files.read_table(args.index)
    for part, place in (("pool", args.pool_images), ("test", args.test_images)):
        rows = np.flatnonzero(index["split"] == part)
        keys[part] = {kind: index[kind][rows].tolist() for kind in ("hash", "path") if kind in index}
        paths = None
        if "path" in index:
            paths = user_images.original_files(params.dataset.name, params.dataset.path, keys[part]["path"])
        parts[part] = Pictures(files.read_array(place), paths, params.dataset.max_pixels)
    lines = compute.write(names, options, parts, keys, own=Path(args.own), folder=Path(args.out))
    say(f"embed: {'; '.join(lines)}")


if __name__ == "__main__":
    run(main)
