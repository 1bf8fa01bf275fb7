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
    faults = load.faults(tree, n_round_rows=n_rows)
    # Here alone: a folder that is gone after the download hinders nobody.
    section = tree.get("dataset") if isinstance(tree, dict) else None
    options = section if isinstance(section, dict) else {}
    for key, fault_of in {"source": sources.fault, "path": sources.path_fault}.items():
        value = options.get(key)
        if isinstance(value, str) and (fault := fault_of(value, str(options.get("name")))):
            faults.append(fault)
    # Before DVC meets it, which says less, or hangs.
    if not faults and options["name"] == "folder":
        faults += filter(None, [listing.dvc_fault(listing.folder(Path(options["path"])).problems)])
    if faults:
        raise ValueError("\n       ".join(f"{args.params}: {fault}" for fault in faults))
    files.write_text(args.out, "valid\n")
    say(f"check: {args.params} is valid")


if __name__ == "__main__":
    run(main)
