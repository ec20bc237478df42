"""A folder of images, one folder per class, of any size."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.readers import Raw, Reader, Wanted, class_files, number

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
LARGEST, USUAL = 96, 48  # sides: what is taken as it is, and what all becomes where that can't be


class Images(Reader):
    """Reads them with Pillow; those of another shape lose their longer sides' ends."""

    about = "a folder of images by class (CLASS/*.png, .jpg, ...)"
    uses = ("input",)

    def takes(self, path: Path) -> bool:
        """Return whether there is an image below the folder."""
        return path.is_dir() and any(p.suffix.lower() in SUFFIXES for p in path.rglob("*"))

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return pixels from 0 to 1, of the size asked for; else of their own if they share one, else 48x48."""
        files = class_files(path, SUFFIXES)
        skipped: list[tuple[str, str]] = []
        opened = []
        for file, label, part in files:
            try:
                opened.append((file, label, part, _open(file)))
            except (OSError, ValueError, SyntaxError) as error:  # Pillow raises all of them for broken files
                skipped.append((str(file.relative_to(path)), _reason(error)))
        if not opened:
            raise ValueError(f"{path}: none of {len(files)} images can be read; the first: {skipped[0]}")
        sizes = Counter(image.size for *_, image in opened)
        grey = all(image.mode in {"1", "L", "LA", "I", "I;16", "F"} for *_, image in opened)
        shape = wanted.input or _shape(sizes, grey)
        if shape[2] not in (1, 3):
            raise ValueError(f"images have 1 (grey) or 3 (colour) channels, asked for {shape[2]}")
        notes = []
        if set(sizes) != {(shape[1], shape[0])}:
            notes.append(f"{sum(sizes.values())} images were scaled to {shape[0]}x{shape[1]}, cropped in the middle")
        if shape[2] == 1 and not grey:
            notes.append("colour images were made grey")
        y, classes = number([label for _, label, _, _ in opened])
        return Raw(
            x=np.stack([_pixels(image, shape) for *_, image in opened]),
            y=y,
            classes=classes,
            part=np.array([part for *_, part, _ in opened], np.int64),
            names=tuple(str(file.relative_to(path)) for file, *_ in opened),
            what="images",
            skipped=tuple(skipped),
            notes=tuple(notes),
            sizes={f"{h}x{w}": n for (w, h), n in sizes.most_common()},
        )


def _open(file: Path) -> Any:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError("not an image" if isinstance(error, UnidentifiedImageError) else "too large") from None


def _shape(sizes: Counter[tuple[int, int]], grey: bool) -> tuple[int, int, int]:
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or max(width, height) > LARGEST or min(width, height) < 8:
        width = height = USUAL
    return height, width, 1 if grey else 3


def _pixels(image: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """Return (height, width, channels) from 0 to 1."""
    from PIL import Image, ImageOps

    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more: Pillow would cut them off
        values = np.asarray(image, np.float32)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        image = Image.fromarray(np.clip(values / top * 255, 0, 255).astype(np.uint8))
    image = image.convert("L" if shape[2] == 1 else "RGB")
    if image.size != (shape[1], shape[0]):
        image = ImageOps.fit(image, (shape[1], shape[0]), Image.Resampling.BILINEAR)
    return (np.asarray(image, np.float32) / 255).reshape(shape)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:80]


Plugin = Images
