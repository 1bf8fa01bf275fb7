"""Tasks and interface for Label Studio."""

from pathlib import Path
from xml.etree import ElementTree

from selflabel.export import label_studio

TABLE = {
    "hash": ["h0", "h1", "h2"],
    "label": ["cat", "dog", ""],
    "origin": ["machine", "human", "none"],
    "confidence": [0.75, 1.0, float("nan")],
}


def test_a_machine_label_is_a_prediction_a_persons_an_annotation_and_none_is_nothing():
    machine, person, nobody = label_studio.tasks(TABLE, ["a", "b", "c"], model_version="v1")
    (prediction,) = machine.pop("predictions")
    assert prediction.pop("result") == [
        {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": ["cat"]}}
    ]
    assert prediction == {"score": 0.75, "model_version": "v1"}
    assert machine == {"data": {"image": "a", "hash": "h0"}}
    assert person.keys() == {"data", "annotations"}
    assert person["annotations"][0]["result"][0]["value"] == {"choices": ["dog"]}
    assert nobody == {"data": {"image": "c", "hash": "h2"}}


def test_an_image_is_addressed_from_the_projects_folder_and_without_a_file_called_after_its_hash():
    paths = ["../../my images/ü.png", "imagefolder/train/h1.png", "/else/where.png", ""]
    assert label_studio.addresses(paths, ["h0", "h1", "h2", "h3"], folder=Path("data/export")) == [
        "/data/local-files/?d=my%20images/%C3%BC.png", "/data/local-files/?d=data/export/imagefolder/train/h1.png",
        "/data/local-files/?d=/else/where.png", "h3.png",
    ]  # fmt: skip


def test_the_interface_offers_each_class_whatever_it_is_called():
    classes = ["T-shirt/top", 'the "one" & <other>', "it's", "two\nlines", "Füße"]
    root = ElementTree.fromstring(label_studio.config(classes))
    assert [choice.get("value") for choice in root.iter("Choice")] == classes
    (choices,), (image,) = root.iter("Choices"), root.iter("Image")
    assert choices.get("name") == "label" and choices.get("toName") == image.get("name") == "image"
    assert image.get("value") == "$image"
