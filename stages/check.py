"""Refuse a params.yaml that cannot work, before anything else runs; its output never changes."""

from selflabel import files, params
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "params", "table", "out")
    n_rows = len(files.read_yaml(args.table)["rounds"])
    tree = files.read_yaml(args.params)
    found = params.faults(tree, n_round_rows=n_rows)
    if found:
        raise ValueError("\n       ".join(f"{args.params}: {fault}" for fault in found))
    files.write_text(args.out, "valid\n")
    say(f"check: {args.params} is valid")


if __name__ == "__main__":
    run(main)
