"""Write down, for each stage, the digests of the modules it imports; the stage depends on that file."""

from pathlib import Path

from selflabel import code_digest, files
from selflabel.config import project
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "package", "out")
    # A checkout has the package beside it; elsewhere it is the installed one, of the version that a file says.
    package = project.package_of(Path(args.package))
    texts = project.stages_code(package)
    for name, text in texts.items():
        files.write_text(Path(args.out, f"{name}.txt"), text)
        # Of the bytes, for whoever checks an exported data set with sha256sum.
        paths = [line.split("  ", 1)[1] for line in text.splitlines()]
        files.write_text(Path(args.out, "bytes", f"{name}.txt"), code_digest.byte_sums(paths, root=package.parent))
    say(f"code: the modules of {len(texts)} stages")


if __name__ == "__main__":
    run(main)
