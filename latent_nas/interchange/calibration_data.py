"""The data that a float network of a file is quantised with: an .npz or .npy file, laid out as the file reads it."""

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from latent_nas.operators import Shape


def read(path: Path, *shapes: Shape) -> np.ndarray:
    """Return the calibration data (n, *shape), float32, of an .npz or .npy file.

    Args:
        shapes: those that are taken, of which the first is named in errors.

    Raises:
        ValueError: no such file, not one array ("x", where there are several), not such a shape or type, not finite, or
            all alike.
    """
    array: np.ndarray | None = None
    names: list[str] = []
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                array = loaded
            else:
                names = list(loaded.files)
                array = loaded["x" if "x" in names else names[0]] if "x" in names or len(names) == 1 else None
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, ValueError, AttributeError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not an .npz or .npy file, or a damaged one: {error}") from None
    if array is None:
        raise ValueError(f'{path} holds {", ".join(names) or "nothing"}; wanted one array, or one called "x"')
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{path} has data of the type {array.dtype}; wanted floats or integers")
    if array.ndim == 0 or array.shape[1:] not in shapes or not len(array):
        raise ValueError(
            f"{path} has data {array.shape}; wanted (n, {', '.join(map(str, shapes[0]))}), as the model reads"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{path} has data that are not finite numbers")
    if array.min() == array.max():
        raise ValueError(
            f"{path} has nothing but {array.flat[0]}; ranges are taken from data as the model will see them"
        )
    return np.ascontiguousarray(array, np.float32)
