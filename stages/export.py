"""Write the labelled data set in the forms that others read, with a card that says how far to trust it."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from selflabel import card, export, files, folders, label_studio, pool_index, provenance, state
from selflabel.params import load
from stages import parse, run, say

# Those whose code makes the labels, or what they are made from.
LABELLING = ("download", "features", "graph", "seed_labels", "self_label", "answer", "student", "finish", "audit")


def main() -> None:
    args = parse(__doc__, "audit", "index", "pool-images", "classes", "certificate", "params", "code", "out")
    params, out, project = load(args.params), Path(args.out), Path.cwd()
    final, classes, of_pool = state.read(args.audit), files.read_json(args.classes), pool_index.read(args.index)
    certified = files.read_table(Path(args.audit, "labels.csv"))["certified"]
    table = export.table(final, of_pool["hash"], classes, certified=certified)

    own = export.sources(params.dataset.name, params.dataset.path, of_pool.get("path", []))
    names = folders.file_names(table["hash"], [folders.ending(file) for file in own] or [".png"] * len(certified))
    tree, is_flat = params.export.folders, params.export.imagefolder
    places = folders.places(table["label"], names, tree=tree != "none", imagefolder=is_flat)
    there = [export.path_from(out, file, project=project) for file in own] or table["path"]
    table["path"] = np.array(next(iter(places.values()), there), object)

    images = own or files.read_array(args.pool_images)
    for folder, paths in places.items():
        # disable=None: a bar on a terminal, none in a log.
        for row, path in enumerate(tqdm(paths, desc=folder, unit="images", disable=None)):
            is_link = folder == "folders" and tree == "link"
            folders.write(out / path, images[row], table["hash"][row], is_link=is_link)
    if is_flat:
        files.write_table(out / folders.IMAGEFOLDER / "metadata.csv", folders.metadata(table, names))
    code = export.code([files.read_text(Path(args.code, f"{name}.txt")) for name in LABELLING])
    if params.export.label_studio:
        version = f"selflabel {card.revision(code)[:12]}"
        addresses = label_studio.addresses(table["path"], table["hash"], folder=out)
        files.write_json(out / "label_studio.json", label_studio.tasks(table, addresses, model_version=version))
        files.write_text(out / "label_studio.xml", label_studio.config(classes))

    files.write_table(out / "labels.csv", table)
    files.write_parquet(out / "labels.parquet", table)
    files.write_table(out / "queue.csv", provenance.queue(final, of_pool["hash"], classes, paths=table["path"]))
    files.write_text(out / "code.txt", code)
    told = {"figures": files.read_json(args.certificate), "params": files.read_yaml(args.params), "code": code}
    files.write_text(out / "DATASET_CARD.md", card.card(table, classes, judged=export.judged(final), **told))
    say(f"export: {len(certified):,} images, {np.sum(table['label'] != ''):,} with a label, in {out}")


if __name__ == "__main__":
    run(main)
