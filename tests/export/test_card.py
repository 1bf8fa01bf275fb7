"""The card of an exported data set."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import yaml
from projects import ROOT

from selflabel import files
from selflabel.audit import wording
from selflabel.audit.certificate import Certificate
from selflabel.export import card

TABLE = {
    "label": np.array(["cat", "cat", "dog", "", "cat"], object),
    "origin": np.array(["machine", "seed", "human", "none", "machine"], object),
}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
CERTIFICATE = Certificate.from_json(files.read_json(ROOT / "metrics/certificate.json"))
CODE = "0123  selflabel/a.py\n"


def made(**changed):
    values = {"certificate": CERTIFICATE, "params": PARAMS, "code": CODE, "networks": {}}
    values |= {"judged": (5, 2), "n_withheld": 0} | changed
    return card.card(TABLE, ["cat", "dog"], **values)


def test_the_counts_are_by_class_and_origin_with_sums():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in card.counts(TABLE, ["cat", "dog"]).split("\n")]
    assert rows[0] == ["class", "seed", "human", "machine", "all"]
    assert rows[2:] == [
        ["cat", "1", "0", "2", "3"], ["dog", "0", "1", "0", "1"],
        ["(no label)", "", "", "", "1"], ["all", "1", "1", "2", "5"],
    ]  # fmt: skip


def test_a_class_stays_in_its_cell_whatever_it_is_called():
    table = {"label": np.array(["a|b\nc"], object), "origin": np.array(["seed"], object)}
    assert "| a\\|b c " in card.counts(table, ["a|b\nc"])


def test_the_card_has_the_counts_the_certificate_the_parameters_and_the_revision():
    text = made()
    assert card.counts(TABLE, ["cat", "dog"]) in text
    assert all(f"- {sentence}\n" in text for sentence in wording.statements(CERTIFICATE))
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "mit"
    block = text.split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(block) == PARAMS
    assert f"`{hashlib.sha256(CODE.encode()).hexdigest()}`" in text
    assert "---\n\n# fashion_mnist, labelled by selflabel\n\n5 images of 2 classes. " in text
    assert made() == text


def test_networks_that_saw_the_images_are_named_with_their_digests():
    assert "What saw the images" not in made()
    facts = {"onnx": {"origin": "<a>.onnx", "sha256": "ab12"}, "precomputed": {"origin": "v.npy", "width": 3}}
    listed = "- `onnx`: &lt;a&gt;.onnx, SHA-256 `ab12`\n- `precomputed`: v.npy"
    assert f"## What saw the images\n\n{listed}\n\n## Code" in made(networks=facts)


def test_other_code_is_another_revision_in_the_citation_too():
    assert card.citation("x", card.revision(CODE)) != card.citation("x", card.revision(CODE + "4  b.py\n"))


@pytest.mark.parametrize(
    ("name", "path", "title"),
    [
        ("digits", "images", "digits"), ("folder", "../my clothes/", "my clothes"), ("csv", "a/list.csv", "list.csv"),
        ("folder", ".", "images"), ("npz", "/x/a\nb.npz", "a b.npz"),
    ],
)  # fmt: skip
def test_own_images_are_called_after_their_folder_or_file(name, path, title):
    assert card.title({"name": name, "path": path}) == title


def test_a_citation_is_one_entry_whatever_the_data_are_called():
    entry = card.citation("a{b}\\c d", "0" * 64)
    assert entry.startswith("@misc{selflabel_abc_d_000000000000,\n  title = {abc d, labelled by selflabel},\n")
    assert entry.count("{") == entry.count("}")


def test_what_people_judged_is_told_with_how_much_of_it_was_wrong():
    assert card.corrections(0, 0, release="best") == "Nobody judged a machine label in an audit."
    for release in ("certified", "best"):
        told = card.corrections(500, 61, release=release)
        assert told.startswith("People judged 500 machine labels in the audit.")
        assert "; 61 of them correct the machine's" in told
        assert ("none here is certified" in told) == (release == "best")


def test_labels_that_are_held_back_are_counted():
    assert "12 machine labels are held back" in made(n_withheld=12) and "held back" not in made()


def test_no_page_runs_what_a_name_holds():
    name = "<img src=x onerror=alert(1)>"
    table = {"label": np.array([name], object), "origin": np.array(["seed"], object)}
    certificate = replace(CERTIFICATE, classes={name: 0.1, "dog": 0.2})
    params = PARAMS | {"dataset": PARAMS["dataset"] | {"name": "folder", "path": f"a/{name}```\n"}}
    text = card.card(
        table,
        [name, "dog"],
        certificate=certificate,
        params=params,
        code=CODE,
        networks={},
        judged=(5, 2),
        n_withheld=0,
    )
    before, _, after = text.partition("````yaml\n")
    assert "<img" not in before and before.count("&lt;img src=x onerror=alert(1)&gt;") >= 3
    assert yaml.safe_load(after.removesuffix("````\n")) == params


def test_the_card_says_whether_people_answered():
    simulated, asked = (made(params=PARAMS | {"answers": {"source": name}}) for name in ("simulated", "people"))
    assert "The answers are simulated: " in simulated and "The answers are people's." in asked


@pytest.mark.parametrize(("n", "size"), [(999, "n<1K"), (1_000, "1K<n<10K"), (60_000, "10K<n<100K"), (10**7, "n>10M")])
def test_the_head_names_the_size_as_the_hub_does(n, size):
    assert card.head({"label": np.empty(n, object)}, PARAMS)["size_categories"] == [size]
