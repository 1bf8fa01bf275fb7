"""Refuse a params.yaml that cannot work, before anything else runs; its output never changes."""

import yaml

from selflabel import files, params
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "params", "table", "out")
    n_rows = len(yaml.safe_load(files.read_text(args.table))["rounds"])
    tree = yaml.safe_load(files.read_text(args.params))
    found = params.faults(tree, n_round_rows=n_rows)
    if found:
        raise ValueError("\n       ".join(f"{args.params}: {fault}" for fault in found))
    files.write_text(args.out, "valid\n")
    say(f"check: {args.params} is valid")


if __name__ == "__main__":
    run(main)
