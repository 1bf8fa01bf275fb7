import hashlib
import subprocess
import sys

import pytest
from projects import ROOT

from selflabel import code_digest


@pytest.fixture
def write(tmp_path):
    """Write modules of these paths, without their ending, and return the folder they lie in."""

    def written(modules):
        for name, text in modules.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return written


PACKAGE = {
    "p/__init__": "",
    "p/a": "",
    "p/b": "",
    "p/s/__init__": "from . import inner",
    "p/s/inner": "",
    "p/s/other": "",
}


@pytest.mark.parametrize(
    ("statement", "imported"),
    [
        ("import p.b", ["p/b.py"]),
        ("import p.b as c", ["p/b.py"]),
        ("from p import b", ["p/b.py"]),
        ("from p import b as c", ["p/b.py"]),
        ("from p.b import thing", ["p/b.py"]),
        ("from . import b", ["p/b.py"]),
        ("from .b import thing", ["p/b.py"]),
        ("def late():\n    from p import b", ["p/b.py"]),
        ("if True:\n    import p.b", ["p/b.py"]),
        ("import json, numpy", []),
        # A package's own file is read before its modules, and imports what it imports.
        ("import p.s", ["p/s/__init__.py", "p/s/inner.py"]),
        ("from p.s.other import thing", ["p/s/__init__.py", "p/s/inner.py", "p/s/other.py"]),
        ("from .s import other", ["p/s/__init__.py", "p/s/inner.py", "p/s/other.py"]),
    ],
)
def test_every_way_of_importing_is_followed(write, statement, imported):
    root = write(PACKAGE | {"p/a": statement})
    assert code_digest.imported_files("p.a", root=root) == sorted(["p/__init__.py", "p/a.py", *imported])


@pytest.mark.parametrize("statement", ["from .. import a", "from ..a import thing", "from p import a"])
def test_imports_from_inside_a_subpackage_are_followed(write, statement):
    root = write(PACKAGE | {"p/s/__init__": "", "p/s/inner": statement})
    found = code_digest.imported_files("p.s.inner", root=root)
    assert found == ["p/__init__.py", "p/a.py", "p/s/__init__.py", "p/s/inner.py"]


def test_modules_that_import_each_other_are_found_once(write):
    root = write({"p/__init__": "", "p/a": "import p.b", "p/b": "import p.a"})
    assert code_digest.imported_files("p.a", root=root) == ["p/__init__.py", "p/a.py", "p/b.py"]


def test_what_is_untracked_is_not_followed_either(write):
    root = write({"p/__init__": "", "p/a": "import p.b", "p/b": "import p.c", "p/c": ""})
    assert code_digest.imported_files("p.a", root=root, untracked={"p/b.py"}) == ["p/__init__.py", "p/a.py"]


CODE = '''"""A module."""

LIMIT = 0.5  # of what


class Thing(Base):
    """A class."""

    size: int


def f(a, b=1):
    """Return a text."""
    return f"{a} {b:.2f}", "text"
'''
SAME = {
    "a comment": CODE.replace("of what", "of something else"),
    "no comment": CODE.replace("  # of what", ""),
    "the module's docstring": CODE.replace("A module.", "Another sentence."),
    "a class's docstring": CODE.replace("A class.", "Another sentence."),
    "a function's docstring": CODE.replace("Return a text.", "Another sentence."),
    "no docstring": CODE.replace('    """Return a text."""\n', ""),
    "blank lines": CODE.replace("\n\n", "\n\n\n"),
    "line breaks": CODE.replace("(a, b=1)", "(\n    a,\n    b=1,\n)"),
    "quotes": CODE.replace('"text"', "'text'"),
}
OTHER = {
    "a number": CODE.replace("0.5", "0.6"),
    "a default": CODE.replace("b=1", "b=2"),
    "a name": CODE.replace("LIMIT", "LIMITS"),
    "a text": CODE.replace('"text"', '"texts"'),
    "a format": CODE.replace(".2f", ".3f"),
    "an order": CODE.replace("(a, b=1)", "(b, a=1)"),
    "a base": CODE.replace("Base", "Other"),
    "an attribute's type": CODE.replace("size: int", "size: float"),
    "a whole number for a fraction": CODE.replace("0.5", "1"),
    "a truth for a number": CODE.replace("b=1", "b=True"),
    "a statement more": f"{CODE}LIMIT += 1\n",
    "a text that is no docstring": CODE.replace("    return", '    a = "Return a text."\n    return'),
}


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_another_wording_or_layout_has_the_same_digest(code):
    assert code != CODE
    assert code_digest.digest(code) == code_digest.digest(CODE)


@pytest.mark.parametrize("code", OTHER.values(), ids=OTHER)
def test_what_does_something_else_has_another_digest(code):
    assert code != CODE
    assert code_digest.digest(code) != code_digest.digest(CODE)


def test_the_digest_is_the_same_in_every_version_of_python():
    """As computed by 3.11; later ones have more fields in their trees, and dump them in another way."""
    assert code_digest.digest(CODE) == "b1116015bb66932c1161f570947814014ce75593867f53bd716325b0d3a9bbc1"


def test_byte_sums_are_in_sha256sums_format(write):
    root = write({"p/a": "x = 1\n"})
    sums = code_digest.byte_sums(["p/a.py"], root=root)
    assert sums == f"{hashlib.sha256(b'x = 1' + bytes([10])).hexdigest()}  p/a.py\n"


@pytest.mark.parametrize(
    "module", ["selflabel.stages.check", "selflabel.stages.finish", "selflabel.stages.audit", "selflabel.stages.draw"]
)
def test_what_python_loads_for_a_stage_is_among_the_files_found(module):
    """Python itself as the reference: what it does not load at once may be imported later, inside a function."""
    code = f"import {module}, sys; print(*[m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {path.removeprefix(f"{ROOT}/") for path in done.stdout.split()}
    ours = {path for path in loaded if path.startswith(("selflabel/", "stages/"))}
    found = set(code_digest.imported_files(module, root=ROOT, untracked=set()))
    assert module.replace(".", "/") + ".py" in ours <= found


def test_what_pins_the_kernels_is_tracked():
    found = code_digest.imported_files("selflabel.stages.finish", root=ROOT)
    assert {"selflabel/__init__.py", "selflabel/processor.py"} <= set(found)


def test_a_round_waits_for_no_slow_import():
    """Each of thirteen processes would: scikit-learn takes as long to import as a round to fit."""
    code = (
        "import selflabel.stages.self_label, selflabel.stages.finish, selflabel.stages.answer, sys; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"sklearn", "matplotlib", "tensorflow", "cv2", "scipy.stats"} & set(done.stdout.split())
