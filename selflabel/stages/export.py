"""Write the labelled data set in the forms that others read, with a card that says how far to trust it."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from selflabel import files
from selflabel.config.load import load
from selflabel.export import card, folders, label_studio, tables
from selflabel.labels import pool_index, provenance, state
from selflabel.stages import parse, run, say

# Those whose code makes the labels, or what they are made from.
LABELLING = (
    "download", "features", "graph", "seed_labels", "self_label", "answer", "student", "finish", "audit", "release",
)  # fmt: skip


def main() -> None:
    args = parse(__doc__, "audit", "release", "index", "pool-images", "classes", "certificate", "params", "code", "out")
    params, out, project = load(args.params), Path(args.out), Path.cwd()
    released, classes, listed = state.read(args.release), files.read_json(args.classes), pool_index.listed(args.index)
    certified = files.read_table(Path(args.release, "labels.csv"))["certified"]
    hashes = pool_index.read(args.index)["hash"]
    of_pool = tables.table(released, hashes, classes, certified=certified)
    # A row for each image that there was, copies too.
    table = {name: column[listed["row"]] for name, column in of_pool.items()}

    own = tables.sources(params.dataset.name, params.dataset.path, listed.get("path", []))
    names = folders.file_names(table["hash"], [folders.ending(file) for file in own] or [".png"] * len(listed["row"]))
    tree, is_flat = params.export.folders, params.export.imagefolder
    places = folders.places(table["label"], names, tree=tree != "none", imagefolder=is_flat)
    there = [tables.path_from(out, file, project=project) for file in own] or table["path"]
    table["path"] = np.array(next(iter(places.values()), there), object)

    images = files.read_array(args.pool_images)
    for folder, paths in places.items():
        # disable=None: a bar on a terminal, none in a log.
        for number, path in enumerate(tqdm(paths, desc=folder, unit="images", disable=None)):
            image = own[number] if own else images[listed["row"][number]]
            folders.write(out / path, image, table["hash"][number], is_link=folder == "folders" and tree == "link")
    if is_flat:
        files.write_table(out / folders.IMAGEFOLDER / "metadata.csv", folders.metadata(table, names))
    code = tables.code([files.read_text(Path(args.code, f"{name}.txt")) for name in LABELLING])
    if params.export.label_studio:
        version = f"selflabel {card.revision(code)[:12]}"
        addresses = label_studio.addresses(table["path"], table["hash"], folder=out)
        files.write_json(out / "label_studio.json", label_studio.tasks(table, addresses, model_version=version))
        files.write_text(out / "label_studio.xml", label_studio.config(classes))

    files.write_table(out / "labels.csv", table)
    files.write_parquet(out / "labels.parquet", table)
    paths = np.full(len(hashes), "", object)
    # Of copies the first.
    paths[listed["row"][::-1]] = table["path"][::-1]
    files.write_table(out / "queue.csv", provenance.queue(released, hashes, classes, paths=paths))
    files.write_text(out / "code.txt", code)
    told = {"figures": files.read_json(args.certificate), "params": files.read_yaml(args.params), "code": code}
    judged = tables.judged(state.read(args.audit))
    told |= {"judged": judged, "n_withheld": len(tables.withheld(released))}
    files.write_text(out / "DATASET_CARD.md", card.card(table, classes, **told))
    say(f"export: {len(table['label']):,} images, {np.sum(table['label'] != ''):,} with a label, in {out}")


if __name__ == "__main__":
    run(main)
