"""Write down, for each stage, the digests of the modules it imports; the stage depends on that file."""

from pathlib import Path

from selflabel import code_digest, files
from selflabel.config import project
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "package", "out")
    # A checkout has the package beside it; elsewhere it is the installed one, of the version that a file says.
    package = project.package_of(Path(args.package))
    root, names = package.parent, sorted(path.stem for path in Path(package, "stages").glob("[!_]*.py"))
    for name in names:
        # The schema is what `check` is about.
        untracked = frozenset() if name == "check" else code_digest.SCHEMA
        paths = code_digest.imported_files(f"{package.name}.stages.{name}", root=root, untracked=untracked)
        files.write_text(Path(args.out, f"{name}.txt"), code_digest.digests(paths, root=root))
        # Of the bytes, for whoever checks an exported data set with sha256sum.
        files.write_text(Path(args.out, "bytes", f"{name}.txt"), code_digest.byte_sums(paths, root=root))
    say(f"code: the modules of {len(names)} stages")


if __name__ == "__main__":
    run(main)
