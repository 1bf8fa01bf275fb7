"""Write down, for each stage, the digests of the modules it imports; the stage depends on that file."""

from pathlib import Path

from selflabel import files, imports
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "package", "stages", "out")
    root = Path(args.package).parent
    names = sorted(path.stem for path in Path(args.stages).glob("[!_]*.py"))
    for name in names:
        # The schema is what `check` is about.
        untracked = imports.UNTRACKED - imports.SCHEMA if name == "check" else imports.UNTRACKED
        paths = imports.imported_files(f"{args.stages}.{name}", root=root, untracked=untracked)
        files.write_text(Path(args.out) / f"{name}.txt", imports.digests(paths, root=root))
    say(f"code: the modules of {len(names)} stages")


if __name__ == "__main__":
    run(main)
