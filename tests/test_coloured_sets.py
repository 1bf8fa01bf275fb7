"""Which pictures of a package become a data set, and under which names."""

from PIL import Image

from bench import coloured_sets


def picture(path, *, value, alpha=255):
    path.parent.mkdir(exist_ok=True)
    image = Image.new("RGBA", (4, 3), (value, 0, 0, alpha))
    image.putpixel((0, 0), (0, value, 0, 255))
    image.save(path)
    return path


def test_doubles_blank_pictures_and_small_classes_are_left_out(tmp_path):
    cats = [("A cat!", picture(tmp_path / f"a{i}" / "cat.png", value=i)) for i in range(1, 12)]
    double = ("A cat!", picture(tmp_path / "b" / "again.png", value=1))
    in_two_classes = ("dog", picture(tmp_path / "b" / "dog.png", value=2))
    alone = ("dog", picture(tmp_path / "b" / "alone.png", value=100))
    blank = ("A cat!", tmp_path / "b" / "blank.png")
    Image.new("RGBA", (4, 3), (9, 9, 9, 0)).save(blank[1])
    found = coloured_sets.chosen([alone, double, blank, in_two_classes, *reversed(cats)])
    assert [(label, name) for label, name, _ in found] == [("a_cat_", "cat")] * 10
    assert coloured_sets.write(found, tmp_path / "out") == {"a_cat_": 10}
    names = {path.name for path in (tmp_path / "out" / "a_cat_").iterdir()}
    assert names == {"cat.png", *(f"cat-{turn}.png" for turn in range(2, 11))}


def test_a_picture_lies_on_white(tmp_path):
    coloured_sets.write([("x", "y", coloured_sets.flat(picture(tmp_path / "p.png", value=50, alpha=0)))], tmp_path)
    with Image.open(tmp_path / "x" / "y.png") as image:
        assert (image.mode, image.size) == ("RGB", (4, 3))
        assert [image.getpixel(at) for at in ((0, 0), (1, 1))] == [(0, 50, 0), (255, 255, 255)]
