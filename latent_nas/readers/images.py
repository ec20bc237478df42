"""A folder of images, one folder per class, of any size."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.readers import Raw, Reader, Wanted, number
from latent_nas.readers._folders import class_files

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
GREY = {"1", "L", "LA", "I", "I;16", "F"}
LARGEST, USUAL = 96, 48  # sides: what is taken as it is, and what all becomes where that can't be
File = tuple[Path, str, int]  # place, class, part


class Images(Reader):
    """Reads them with Pillow; those of another shape lose their longer sides' ends."""

    about = "a folder of images by class (CLASS/*.png, .jpg, ...)"
    uses = ("input", "labels")

    def takes(self, path: Path) -> bool:
        """Return whether there is an image below the folder."""
        return path.is_dir() and any(p.suffix.lower() in SUFFIXES for p in path.rglob("*"))

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
        files, notes = class_files(path, SUFFIXES, wanted.labels)
        heads, skipped = _each(files, path, _head)
        if not heads:
            raise ValueError(f"{path}: none of {len(files)} images can be read; the first: {skipped[0]}")
        sizes = Counter(size for size, _ in heads.values())
        grey = all(mode in GREY for _, mode in heads.values())
        shape = wanted.input or _shape(sizes, grey)
        if shape[2] not in (1, 3):
            raise ValueError(f"images have 1 (grey) or 3 (colour) channels, asked for {shape[2]}")
        if set(sizes) != {(shape[1], shape[0])}:
            notes.append(f"{sum(sizes.values())} images were scaled to {shape[0]}x{shape[1]}, cropped in the middle")
        if shape[2] == 1 and not grey:
            notes.append("colour images were made grey")
        pixels, broken = _each(list(heads), path, lambda file: _pixels(file, shape))
        if not pixels:
            raise ValueError(f"{path}: none of {len(files)} images can be read; the first: {broken[0]}")
        y, classes = number([label for _, label, _ in pixels])
        return Raw(
            x=np.stack(list(pixels.values())),
            y=y,
            classes=classes,
            part=np.array([part for _, _, part in pixels], np.int64),
            names=tuple(str(file.relative_to(path)) for file, _, _ in pixels),
            what="images",
            skipped=(*skipped, *broken),
            notes=tuple(notes),
            sizes={f"{h}x{w}": n for (w, h), n in sizes.most_common()},
        )


def _each(
    files: Sequence[File], root: Path, read: Callable[[Path], Any]
) -> tuple[dict[File, Any], list[tuple[str, str]]]:
    """Return what is read of each file, one open at a time, and (name, reason) of those that can't be."""
    from PIL import Image, UnidentifiedImageError

    found, skipped = {}, []
    for file in files:
        try:
            found[file] = read(file[0])
        except UnidentifiedImageError:
            skipped.append((str(file[0].relative_to(root)), "not an image"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow's for broken files
            reason = (str(error).splitlines() or [type(error).__name__])[0][:80]
            skipped.append((str(file[0].relative_to(root)), reason))
    return found, skipped


def _head(file: Path) -> tuple[tuple[int, int], str]:
    """Return size and mode, without decoding."""
    from PIL import Image

    with Image.open(file) as image:
        return image.size, image.mode


def _shape(sizes: Counter[tuple[int, int]], grey: bool) -> tuple[int, int, int]:
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or max(width, height) > LARGEST or min(width, height) < 8:
        width = height = USUAL
    return height, width, 1 if grey else 3


def _pixels(file: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Return (height, width, channels) from 0 to 1."""
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        image: Any = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more: Pillow would cut them off
        values = np.asarray(image, np.float32)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        image = Image.fromarray(np.clip(values / top * 255, 0, 255).astype(np.uint8))
    image = image.convert("L" if shape[2] == 1 else "RGB")
    if image.size != (shape[1], shape[0]):
        image = ImageOps.fit(image, (shape[1], shape[0]), Image.Resampling.BILINEAR)
    return (np.asarray(image, np.float32) / 255).reshape(shape)


Plugin = Images
