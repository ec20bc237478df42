"""A folder of images, one folder per class, of any size."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.extras import need
from latent_nas.readers import Raw, Reader, Wanted, number
from latent_nas.readers._folders import Labelled, class_files, holds, in_groups, left_out
from latent_nas.readers._tabled import by_table
from latent_nas.resampling import METHODS

SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".jp2", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".ppm"}
APPLE = {".heic", ".heif", ".hif"}  # as iPhones store photos; of the extra ``data``
SUFFIXES |= {".pgm", ".pbm", ".pnm", ".tga", *APPLE}
GREY = {"1", "L", "LA", "I", "I;16", "F"}
LARGEST, USUAL = 96, 48  # sides: what is taken as it is, and what all becomes where that can't be
DEEP = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # the most that sensors of 8 to 16 bits can say
MEMORY = 1 << 32  # bytes of all pixels as float32
ORIENTATION, TURNED = 274, (5, 6, 7, 8)  # an EXIF tag, and its values of images that lie on their side
WIDTH, HEIGHT = 256, 257  # tags of TIFF


@dataclass(frozen=True)
class Head:
    """What is known of an image before it is decoded.

    Attributes:
        size: width, height as it is shown. mode: Pillow's. turned: whether EXIF says that it lies on its side.
        rounded: whether its colours have 16 bits, of which Pillow gives 8.
    """

    size: tuple[int, int]
    mode: str
    turned: bool
    transparent: bool
    frames: int
    rounded: bool

    @property
    def deep(self) -> bool:
        """Whether pixels have more than 8 bits."""
        return _deep_mode(self.mode)


def _deep_mode(mode: str) -> bool:
    return mode.startswith("I") or mode == "F"


class Images(Reader):
    """Reads them with Pillow, as they are shown; those of another shape lose their longer sides' ends."""

    about = "a folder of images by class (CLASS/*.png, .jpg, ...; or a table of their names and classes beside them)"
    uses = ("input", "labels", "group", "label", "resize")

    def takes(self, path: Path) -> bool:
        """Return whether there is an image below the folder."""
        return holds(path, SUFFIXES)

    def example(self, folder: Path) -> Path:
        """Write two images of each of two classes."""
        from PIL import Image

        for i, name in enumerate(("dark", "light")):
            (folder / name).mkdir()
            for n in range(2):
                values = np.full((6, 6), 100 * i + 20 * n, np.uint8)
                Image.fromarray(values).save(folder / name / f"{n}.png")
        return folder

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return pixels from 0 to 1, of the size asked for; else of their own if they share one, else 48x48."""
        if wanted.labels and wanted.label:
            raise ValueError("labels= takes the classes from folders, --label from a table; leave one of them out")
        told = None if wanted.labels else by_table(path, SUFFIXES, wanted)
        files, notes, grouped = told or (*class_files(path, SUFFIXES, wanted), "")
        notes += left_out(path, SUFFIXES)
        heads, skipped = _each(files, path, _head)
        if not heads:
            raise ValueError(f"{path}: none of {len(files)} images can be read; the first: {': '.join(skipped[0])}")
        sizes = Counter(head.size for head in heads.values())
        grey = all(head.mode in GREY for head in heads.values())
        method = wanted.resize or METHODS[0]
        shape = wanted.input or _shape(sizes, grey)
        if shape[2] not in (1, 3):
            raise ValueError(f"images have 1 (grey) or 3 (colour) channels, asked for {shape[2]}")
        if len(heads) * int(np.prod(shape)) * 4 > MEMORY:
            raise ValueError(
                f"{path}: {len(heads)} images of {shape[0]}x{shape[1]}x{shape[2]} take more than {MEMORY >> 30} GB;"
                " say a smaller --input"
            )
        notes += _said(heads, sizes, shape, grey)
        scale, said, broken = _scale(path, [file for file, head in heads.items() if head.deep])
        notes += said
        readable = [file for file in heads if str(file.file.relative_to(path)) not in dict(broken)]
        pixels, more = _each(readable, path, lambda file: _pixels(file, shape, scale, method))
        broken += more
        if not pixels:
            raise ValueError(f"{path}: none of {len(files)} images can be read; the first: {': '.join(broken[0])}")
        y, classes = number([file.label for file in pixels])
        return Raw(
            x=np.stack(list(pixels.values())),
            y=y,
            classes=classes,
            part=np.array([file.part for file in pixels], np.int64),
            names=tuple(str(file.file.relative_to(path)) for file in pixels),
            what="images",
            skipped=(*skipped, *broken),
            notes=tuple(notes),
            sizes={f"{h}x{w}": n for (w, h), n in sizes.most_common()},
            pixels=not any(head.deep for head in heads.values()),
            **_scaled(scale, heads),
            resize=f"{method}, cropped in the middle" if set(sizes) != {(shape[1], shape[0])} else "",
            grey=shape[2] == 1 and not grey,
            **in_groups([*pixels], wanted, grouped),
        )


def _scaled(scale: tuple[float, float], heads: dict[Labelled, Head]) -> dict[str, Any]:
    """Return shift and gain of pixels: of 8 bits, or what all deep ones share; of a mixture nothing is known."""
    deep = [head.deep for head in heads.values()]
    low, high = scale if all(deep) else (0.0, 255.0)
    return {} if any(deep) and not all(deep) else {"shift": (low,), "gain": (1 / (high - low),)}


def _said(
    heads: dict[Labelled, Head], sizes: Counter[tuple[int, int]], shape: tuple[int, int, int], grey: bool
) -> list[str]:
    """Return a line for everything that is done to the images."""
    count = {name: sum(bool(getattr(h, name)) for h in heads.values()) for name in ("turned", "transparent", "rounded")}
    moving = sum(h.frames > 1 for h in heads.values())
    notes = [f"{count['turned']} images are turned upright, as their EXIF orientation says"] * bool(count["turned"])
    notes += [f"{count['transparent']} images have an alpha channel: transparent pixels lie on white"] * bool(
        count["transparent"]
    )
    notes += [f"{count['rounded']} images have colours of 16 bits, of which the upper 8 are taken"] * bool(
        count["rounded"]
    )
    notes += [f"of {moving} images with several frames or pages the first one is taken"] * bool(moving)
    if set(sizes) != {(shape[1], shape[0])}:
        notes.append(f"{sum(sizes.values())} images were scaled to {shape[0]}x{shape[1]}, cropped in the middle")
    if shape[2] == 1 and not grey:
        notes.append("colour images were made grey")
    return notes


def _each(
    files: Sequence[Labelled], root: Path, read: Callable[[Path], Any]
) -> tuple[dict[Labelled, Any], list[tuple[str, str]]]:
    """Return what is read of each file, one open at a time, and (name, reason) of those that can't be."""
    from PIL import Image, UnidentifiedImageError

    found, skipped = {}, []
    broken = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, MemoryError, EOFError)
    for file in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's on metadata that nobody needs
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                found[file] = read(file.file)
        except UnidentifiedImageError:
            skipped.append((str(file.file.relative_to(root)), "not an image"))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            skipped.append((str(file.file.relative_to(root)), "too many pixels to unpack"))
        except broken as error:  # Pillow's for broken files
            reason = (str(error).splitlines() or [type(error).__name__])[0][:80]
            skipped.append((str(file.file.relative_to(root)), reason))
    return found, skipped


def _head(file: Path) -> Head:
    """Return what an image says of itself, without decoding."""
    from PIL import Image

    if file.suffix.lower() in APPLE:
        need("pi_heif", "data").register_heif_opener()  # once for the process; every later one is like the first
    with Image.open(file) as image:
        sixteen = any(";16" in str(tile) for tile in image.tile)  # which reading EXIF may empty
        turned = image.getexif().get(ORIENTATION) in TURNED
        tags = getattr(image, "tag_v2", {})  # of a TIFF, whose size some versions of Pillow turn themselves
        stored = (tags.get(WIDTH, image.width), tags.get(HEIGHT, image.height))
        deep = _deep_mode(image.mode)
        transparent = not deep and ("A" in image.getbands() or "transparency" in image.info)
        frames = int(getattr(image, "n_frames", 1))
        return Head(stored[::-1] if turned else stored, image.mode, turned, transparent, frames, sixteen and not deep)


def _shape(sizes: Counter[tuple[int, int]], grey: bool) -> tuple[int, int, int]:
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or max(width, height) > LARGEST or min(width, height) < 8:
        width = height = USUAL
    return height, width, 1 if grey else 3


def _scale(root: Path, deep: Sequence[Labelled]) -> tuple[tuple[float, float], list[str], list[tuple[str, str]]]:
    """Return what becomes 0 and 1 of images with more than 8 bits, of all of them together, and what to say."""
    if not deep:
        return (0.0, 255.0), [], []
    ranges, broken = _each(deep, root, _range)
    if not ranges:
        return (0.0, 255.0), [], broken
    low, high = min(a for a, _ in ranges.values()), max(b for _, b in ranges.values())
    if low < 0 or (high <= 1 and any(v % 1 for pair in ranges.values() for v in pair)):
        bottom, top = (0.0, 1.0) if low >= 0 else (low, max(high, low + 1e-6))
    else:
        bottom, top = 0.0, next((most for most in DEEP if high <= most), high)
    said = f"{len(ranges)} images have more than 8 bits: {bottom:g} to {top:g} becomes 0 to 1 in all (found: {low:g} to"
    return (bottom, top), [f"{said} {high:g})"], broken


def _range(file: Path) -> tuple[float, float]:
    from PIL import Image

    with Image.open(file) as image:
        values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("NaN or infinity in it")
    return float(values.min()), float(values.max())


def _pixels(file: Path, shape: tuple[int, int, int], scale: tuple[float, float], method: str) -> np.ndarray:
    """Return (height, width, channels) from 0 to 1."""
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        image: Any = ImageOps.exif_transpose(opened)
    if _deep_mode(image.mode):
        return _deep(np.asarray(image, np.float64), shape, scale, method)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    image = image.convert("L" if shape[2] == 1 else "RGB")
    if image.size != (shape[1], shape[0]):
        image = ImageOps.fit(image, (shape[1], shape[0]), Image.Resampling[method.upper()])
    return (np.asarray(image, np.float32) / 255).reshape(shape)


def _deep(values: np.ndarray, shape: tuple[int, int, int], scale: tuple[float, float], method: str) -> np.ndarray:
    """Return an image of more than 8 bits, (height, width), scaled and brought to a shape without rounding."""
    from PIL import Image, ImageOps

    scaled = np.clip((values - scale[0]) / (scale[1] - scale[0]), 0, 1).astype(np.float32)
    image = Image.fromarray(scaled)
    if image.size != (shape[1], shape[0]):
        image = ImageOps.fit(image, (shape[1], shape[0]), Image.Resampling[method.upper()])
    found = np.asarray(image, np.float32)[..., None]
    return np.repeat(found, shape[2], axis=2)


Plugin = Images
