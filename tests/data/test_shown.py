import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from selflabel.data import shown


def opened(source, **options):
    data, kind = shown.encoded(source, **{"longest": 1_600, "max_pixels": 10**7} | options)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert kind == Image.MIME[image.format]
    return image


@pytest.mark.parametrize("shape", [(28, 20), (28, 20, 3)])
def test_a_small_picture_keeps_every_pixel(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(np.asarray(opened(pixels)), pixels)


def test_a_large_picture_is_fitted_and_keeps_its_aspect(tmp_path):
    Image.new("RGB", (3_000, 1_500), "red").save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png").size == (1_600, 800)
    assert opened(tmp_path / "a.png", longest=4_096).size == (3_000, 1_500)


def test_nothing_of_a_file_but_its_pixels_reaches_the_page(tmp_path):
    told = PngImagePlugin.PngInfo()
    told.add_text("label", "this is a coat")
    exif = Image.Exif()
    exif[0x010E] = "this is a coat"
    for name, options in (("a.png", {"pnginfo": told}), ("a.jpg", {"exif": exif})):
        Image.new("RGB", (20, 10), "red").save(tmp_path / name, **options)
        data, _ = shown.encoded(tmp_path / name, longest=1_600, max_pixels=1_000)
        assert b"coat" in (tmp_path / name).read_bytes() and b"coat" not in data


def test_a_photograph_stands_upright_and_what_is_transparent_is_white(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert opened(tmp_path / "a.jpg").size == (10, 20)
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "b.png")
    assert opened(tmp_path / "b.png").getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "CMYK", "I;16", "F"])
def test_every_kind_of_pixels_is_shown(mode, tmp_path):
    Image.new(mode, (4, 3)).save(tmp_path / "a.tiff")
    assert opened(tmp_path / "a.tiff").size == (4, 3)


def test_a_picture_that_is_too_large_or_none_is_refused(tmp_path):
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="at most 9,999 pixels, got 100×100"):
        shown.encoded(tmp_path / "a.png", longest=10, max_pixels=9_999)
    (tmp_path / "b.png").write_text("no image")
    with pytest.raises(OSError):
        shown.encoded(tmp_path / "b.png", longest=10, max_pixels=10)
