"""Refuse a params.yaml that cannot work, before anything else runs; its output never changes."""

from pathlib import Path

from selflabel import files
from selflabel.config import load
from selflabel.data import listing, sources
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "params", "table", "out")
    n_rows = len(files.read_yaml(args.table)["rounds"])
    tree = files.read_yaml(args.params)
    found = load.faults(tree, n_round_rows=n_rows)
    # Here alone: a folder that is gone after the download hinders nobody.
    section = tree.get("dataset") if isinstance(tree, dict) else None
    for key, fault in {"source": sources.fault, "path": sources.path_fault}.items():
        value = section.get(key) if isinstance(section, dict) else None
        if isinstance(value, str) and (sentence := fault(value, str(section.get("name")))):
            found.append(sentence)
    # Before DVC meets it, which says less, or hangs.
    if not found and section["name"] == "folder":
        found += filter(None, [listing.dvc_fault(listing.folder(Path(section["path"])).problems)])
    if found:
        raise ValueError("\n       ".join(f"{args.params}: {fault}" for fault in found))
    files.write_text(args.out, "valid\n")
    say(f"check: {args.params} is valid")


if __name__ == "__main__":
    run(main)
