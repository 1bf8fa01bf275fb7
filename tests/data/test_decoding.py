"""Decoding: what comes out of an image file's bytes, and what is refused for which reason."""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from selflabel.data import decoding

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (8, 8), np.uint8)
COLOUR = RNG.integers(0, 256, (8, 8, 3), np.uint8)
OPTIONS = {"size": 8, "colour": False, "max_pixels": 10_000}


def encoded(image, kind="PNG", **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def decode(data, **changes):
    return decoding.decode(data, **OPTIONS | changes)


def reason(data, **changes):
    with pytest.raises(ValueError) as error:
        decode(data, **changes)
    return str(error.value)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "PPM"])
def test_an_image_of_the_right_size_comes_out_as_it_is(kind):
    found = decode(encoded(GREY, kind))
    np.testing.assert_array_equal(found, GREY)
    assert found.dtype == np.uint8
    if kind != "GIF":
        np.testing.assert_array_equal(decode(encoded(COLOUR, kind), colour=True), COLOUR)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "JPEG2000", "AVIF"])
def test_formats_that_lose_something_are_read(kind):
    flat = np.full((8, 8, 3), 100, np.uint8)
    assert np.abs(decode(encoded(flat, kind), colour=True).astype(int) - 100).max() <= 4


def test_grey_is_the_luma_and_a_grey_image_has_three_equal_channels():
    expected = COLOUR @ [0.299, 0.587, 0.114]
    assert np.abs(decode(encoded(COLOUR)) - expected).max() <= 1
    np.testing.assert_array_equal(decode(encoded(GREY), colour=True), np.stack([GREY] * 3, axis=2))


def test_an_image_keeps_its_aspect_in_the_middle_with_black_around():
    wide = np.repeat(np.repeat(RNG.integers(1, 256, (4, 8), np.uint8), 2, axis=0), 2, axis=1)
    found = decode(encoded(wide))
    # Down by the mean of four equal pixels.
    np.testing.assert_array_equal(found[2:6], wide[::2, ::2])
    assert not found[:2].any() and not found[6:].any()
    tall = decode(encoded(np.full((20, 1), 9, np.uint8)))
    assert (tall[:, 3] == 9).all() and tall.sum() == 72


def test_down_is_the_mean_over_areas_and_up_is_smooth():
    image = RNG.integers(0, 256, (32, 32), np.uint8)
    expected = image.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    assert np.abs(decode(encoded(image)) - expected).max() <= 1
    up = decode(encoded(np.uint8([[0, 200]])))
    assert (np.diff(up[3].astype(int)) >= 0).all() and len(set(up[3].tolist())) > 3


def test_16_bits_are_scaled_to_8():
    values = np.uint16([[0, 257, 65535, 1000]] * 4)
    found = decode(encoded(values), size=4)
    np.testing.assert_array_equal(found, [[0, 1, 255, 4]] * 4)
    np.testing.assert_array_equal(decode(encoded(values, "TIFF"), size=4), found)
    np.testing.assert_array_equal(decode(b"P5 4 4 65535\n" + values.astype(">u2").tobytes(), size=4), found)


def test_palettes_ink_and_one_bit_are_read():
    palette = Image.fromarray(COLOUR).quantize(16)
    np.testing.assert_array_equal(decode(encoded(palette), colour=True), np.asarray(palette.convert("RGB")))
    assert (decode(encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 255)), "TIFF")) == 0).all()
    assert (decode(encoded(Image.new("1", (8, 8), 1))) == 255).all()


def test_what_is_transparent_becomes_black():
    image = Image.fromarray(np.dstack([np.full((8, 8, 3), 200, np.uint8), np.zeros((8, 8), np.uint8)]))
    image.putpixel((1, 0), (200, 100, 50, 255))
    found = decode(encoded(image), colour=True)
    assert found[0, 1].tolist() == [200, 100, 50]
    assert found.sum() == 350
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 255, 255])
    assert not decode(encoded(palette, transparency=0)).any()


def test_a_draft_of_a_large_photograph_is_nearly_the_same_and_turned_as_well():
    down, across = np.mgrid[:600, :900]
    pixels = np.stack([down // 3, across // 4, 255 - down // 3], axis=-1).astype(np.uint8)
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif)
    options = {"size": 64, "colour": True, "max_pixels": 10**6}
    whole, draft = (decoding.decode(file.getvalue(), **options, is_draft=is_draft) for is_draft in (False, True))
    assert whole.shape == draft.shape and (draft[:, 0] == 0).all()
    assert np.abs(whole.astype(int) - draft).max() <= 6
    # More than that would be undone by no network.
    with pytest.raises(ValueError, match=r"more than dataset\.max_pixels"):
        decoding.decode(file.getvalue(), size=64, colour=True, max_pixels=1_000, is_draft=True)


@pytest.mark.parametrize(
    ("orientation", "turned"), [(3, GREY[::-1, ::-1]), (6, np.rot90(GREY, -1)), (2, GREY[:, ::-1])]
)
def test_an_image_is_turned_as_its_exif_says(orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encoded(GREY, exif=exif)), turned)


def test_whole_pixels_with_a_damaged_note_about_them_are_used():
    with warnings.catch_warnings(action="ignore"):
        np.testing.assert_array_equal(decode(encoded(GREY, exif=b"Exif\0\0nonsense")), GREY)


def header_of(width, height):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return start + struct.pack(">I", 10) + b"IDAT" + bytes(10)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "zero bytes"),
        (b"hello", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
        (encoded(GREY)[:60], "truncated"),
        (encoded(np.tile(COLOUR, (9, 9, 1)), "JPEG")[:900], "truncated"),
        (encoded(GREY, "BMP")[:-5], "truncated"),
        (header_of(100, 101), "100×101 pixels, more than dataset.max_pixels"),
        (header_of(2**30, 2**30), "1073741824×1073741824 pixels, more than dataset.max_pixels"),
        (encoded(Image.fromarray(np.float32(GREY)), "TIFF"), "floating-point values"),
        (encoded(Image.fromarray(np.int32(GREY) * 1000), "TIFF"), "values of 32 bits"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_a_reason(data, why):
    assert reason(data) == why


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_refused(kind):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    assert reason(encoded(frames[0], kind, save_all=True, append_images=frames[1:])) == "several frames"


def test_a_preview_behind_a_cameras_picture_is_no_frame():
    frames = [Image.new("L", (8, 8), 100), Image.new("L", (4, 4), 7)]
    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert (decode(data) == 100).all()


def test_the_name_and_the_ending_of_a_file_do_not_matter_nor_do_pillows_own_limits():
    assert Image.MAX_IMAGE_PIXELS is None
    big = np.zeros((400, 400), np.uint8)
    assert reason(encoded(big), max_pixels=159_999) == "400×400 pixels, more than dataset.max_pixels"
    assert decode(encoded(big), max_pixels=160_000).shape == (8, 8)


@settings(max_examples=300)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"]), st.data())
def test_damaged_bytes_are_an_image_or_a_reason(kind, data):
    damaged = bytearray(encoded(COLOUR, kind))
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    with warnings.catch_warnings(action="ignore"):
        try:
            assert decode(damaged).shape == (8, 8)
        except ValueError as error:
            assert 0 < len(str(error)) < 80 and "0x" not in str(error)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(8, 20), st.booleans(), st.booleans())
def test_an_array_is_fitted_as_its_file_is(height, width, size, is_colour, colour):
    image = np.random.default_rng(height).integers(0, 256, (height, width, *[3] * is_colour), np.uint8)
    found = decoding.fit(image, size=size, colour=colour)
    assert (found.shape, found.dtype) == ((size, size, *[3] * colour), np.uint8)
    np.testing.assert_array_equal(found, decode(encoded(image), size=size, colour=colour))
