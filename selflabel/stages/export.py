"""Write the labelled data set in the forms that others read, with a card that says how far to trust it."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from selflabel import files
from selflabel.audit.certificate import Certificate
from selflabel.config.load import load
from selflabel.export import card, dataset, folders, label_studio, model
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.stages import parse, run, say

# Those whose code makes the labels, or what they are made from.
LABELLING = (
    "download", "embed", "features", "graph", "seed_labels", "self_label", "answer", "student", "finish", "audit",
    "release",
)  # fmt: skip


def main() -> None:
    args = parse(
        __doc__,
        "audit",
        "release",
        "index",
        "pool-images",
        "classes",
        "certificate",
        "params",
        "code",
        "features",
        "final",
        "before",
        "answers",
        "student",
        "vectors",
        "own",
        "out",
    )
    params, out = load(args.params), Path(args.out)
    released, classes = state.read(args.release), Classes.read(args.classes)
    data = dataset.build(
        released,
        PoolIndex.read(args.index),
        PoolIndex.read_listed(args.index),
        classes,
        dataset.Source(params.dataset.name, params.dataset.path, project=Path.cwd()),
        certified=files.read_columns(Path(args.release, "labels.arrow"), "certified")["certified"],
        out=out,
        has_folders=params.export.folders != "none",
        has_imagefolder=params.export.imagefolder,
    )
    images, is_link = files.read_array(args.pool_images), params.export.folders == "link"
    for kind, paths in data.places.items():
        # disable=None: a bar on a terminal, none in a log.
        for n, path in enumerate(tqdm(paths, desc=kind, unit="images", disable=None)):
            image = data.files[n] if data.files else images[data.rows[n]]
            folders.write(out / path, image, data.table["hash"][n], is_link=is_link and kind == "folders")
    if params.export.imagefolder:
        files.write_table(out / folders.IMAGEFOLDER / "metadata.csv", folders.metadata(data.table, data.names))
    code = dataset.code([files.read_text(Path(args.code, f"{name}.txt")) for name in LABELLING])
    if params.export.label_studio:
        version = f"selflabel {card.revision(code)[:12]}"
        addresses = label_studio.addresses(data.table["path"], data.table["hash"], folder=out)
        files.write_json(out / "label_studio.json", label_studio.tasks(data.table, addresses, model_version=version))
        files.write_text(out / "label_studio.xml", label_studio.config(classes))
    files.write_table(out / "labels.csv", data.table)
    files.write_parquet(out / "labels.parquet", data.table)
    files.write_json(out / "classes.json", list(classes))
    told = dataset.probabilities(released, files.read_array(Path(args.release, "pool_probabilities.npy")))
    files.write_array(out / "pred_probs.npy", told[data.rows])
    if params.export.embeddings:
        features = files.read_array(Path(args.features, "pool.npy"))
        files.write_array(out / "embeddings.npy", np.asarray(features[data.rows], np.float32))
    # The model knows what the machine thinks of all images: not before the audit has its answers.
    if params.export.model and not len(dataset.withheld(released)):
        places = (args.params, args.certificate, args.classes, args.pool_images, args.features, args.final, args.before)
        more = (args.answers, args.student, args.vectors, args.own)
        model.write(out / "model", map(Path, (*places, *more)))
    files.write_table(out / "queue.csv", data.queue)
    files.write_text(out / "code.txt", code)
    text = card.card(
        data.table,
        classes,
        certificate=Certificate.from_json(files.read_json(args.certificate)),
        params=files.read_yaml(args.params),
        code=code,
        networks=files.read_json(Path(args.vectors, "networks.json")),
        judged=dataset.judged(state.read(args.audit)),
        n_withheld=len(dataset.withheld(released)),
    )
    files.write_text(out / "README.md", text)
    label = data.table["label"]
    say(f"export: {len(label):,} images, {np.sum(label != ''):,} with a label, in {out}")


if __name__ == "__main__":
    run(main)
