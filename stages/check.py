"""Refuse a params.yaml that cannot work, before anything else runs; its output never changes."""

from selflabel import files, params, sources
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "params", "table", "out")
    n_rows = len(files.read_yaml(args.table)["rounds"])
    tree = files.read_yaml(args.params)
    found = params.faults(tree, n_round_rows=n_rows)
    # Here alone: a folder that is gone after the download hinders nobody.
    section = tree.get("dataset") if isinstance(tree, dict) else None
    source = section.get("source") if isinstance(section, dict) else None
    if isinstance(source, str) and (fault := sources.fault(source, str(section.get("name")))):
        found.append(fault)
    if found:
        raise ValueError("\n       ".join(f"{args.params}: {fault}" for fault in found))
    files.write_text(args.out, "valid\n")
    say(f"check: {args.params} is valid")


if __name__ == "__main__":
    run(main)
