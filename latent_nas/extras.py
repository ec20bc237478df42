"""Optional libraries: imported where they are used; one that is not installed is missed in a line."""

import importlib
from typing import Any


def need(module: str, extra: str) -> Any:
    """Return an imported module of an optional library.

    Raises:
        ValueError: it is not installed; the message says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".", maxsplit=1)[0]
        raise ValueError(
            f'{package} is not installed; it is in the extra {extra}: pip install "latent_nas[{extra}]"'
        ) from None
