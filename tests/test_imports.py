import ast
import hashlib
import subprocess
import sys

import pytest
from pipeline import ROOT

from selflabel import imports


@pytest.fixture
def write(tmp_path):
    def written(**modules):
        for name, text in modules.items():
            path = tmp_path / f"{name.replace('__', '/', 1)}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path

    return written


def test_imports_are_followed_in_every_form_and_from_inside_functions(write):
    root = write(
        p__a="import p.b\nfrom p import c\nimport json",
        p__b="def late():\n    from p.d import thing\n",
        p__c="import p.a",
        p__d="thing = 1",
        p__e="",
        p____init__="",
    )
    found = imports.imported_files("p.a", root=root)
    assert found == ["p/__init__.py", "p/a.py", "p/b.py", "p/c.py", "p/d.py"]


def test_what_is_untracked_is_not_followed_either(write):
    root = write(p__a="import p.b", p__b="import p.c", p__c="", p____init__="")
    assert imports.imported_files("p.a", root=root, untracked={"p/b.py"}) == ["p/__init__.py", "p/a.py"]


def test_a_digest_is_the_files_in_sha256sums_format(write):
    root = write(p__a="x = 1\n")
    assert imports.digests(["p/a.py"], root=root) == f"{hashlib.sha256(b'x = 1' + bytes([10])).hexdigest()}  p/a.py\n"


@pytest.mark.parametrize("module", ["stages.check", "stages.finish", "stages.audit", "stages.draw"])
def test_what_python_loads_for_a_stage_is_among_the_files_found(module):
    """Python itself as the reference: what it does not load at once may be imported later, inside a function."""
    code = f"import {module}, sys; print(*[m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {path.removeprefix(f"{ROOT}/") for path in done.stdout.split()}
    ours = {path for path in loaded if path.startswith(("selflabel/", "stages/"))}
    found = set(imports.imported_files(module, root=ROOT, untracked=set()))
    assert module.replace(".", "/") + ".py" in ours <= found


def test_the_untracked_package_file_pins_the_kernels_and_does_nothing_else():
    assert "selflabel/__init__.py" in imports.UNTRACKED
    _, *code = ast.parse((ROOT / "selflabel/__init__.py").read_text()).body
    assert [ast.unparse(line) for line in code] == ["from selflabel import processor", "processor.pin()"]
    # What that does is tracked.
    assert "selflabel/processor.py" in imports.imported_files("stages.finish", root=ROOT)


def test_a_round_waits_for_no_slow_import():
    """Each of thirteen processes would: scikit-learn takes as long to import as a round to fit."""
    code = "import stages.self_label, stages.finish, stages.answer, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"sklearn", "matplotlib", "tensorflow", "cv2", "scipy.stats"} & set(done.stdout.split())
