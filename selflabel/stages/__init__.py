"""The pipeline's stages, one file each: parse → load → call → save → say one line on stderr."""

import argparse
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder

# First of all that a stage imports: it pins the processor's kernels.
from selflabel import processor


def parse(description: str, *flags: str, **numbers: str) -> argparse.Namespace:
    """Return the command line's flags, each a required path; those in ``numbers`` are whole numbers, with a help."""
    parser = argparse.ArgumentParser(description=description)
    for flag in flags:
        parser.add_argument(f"--{flag}", required=True, metavar="PATH")
    for flag, text in numbers.items():
        parser.add_argument(f"--{flag}", required=True, type=int, metavar="N", help=text)
    return parser.parse_args()


def say(text: str) -> None:
    """Print one line for the person who watches."""
    print(text, file=sys.stderr)


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ImportError(fullname)


def _keep_pandas_out() -> None:
    # pyarrow looks for pandas once, as soon as it makes an array. No stage needs it, and it takes longer than most do.
    if "pandas" not in sys.modules:
        import pyarrow

        sys.meta_path.insert(0, finder := _NoPandas())
        pyarrow.array([])
        sys.meta_path.remove(finder)


def run(main: Callable[[], None]) -> None:
    """Run a stage; a fault of its input ends it with the sentence alone, not with a traceback."""
    if note := processor.note():
        say(note)
    _keep_pandas_out()
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
