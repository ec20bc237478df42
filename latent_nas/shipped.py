"""Where the files that come with the project lie: ``datasets_arch/`` and ``pretrained/``."""

import sys
from pathlib import Path


def folder(name: str) -> Path:
    """Return the folder "datasets_arch" or "pretrained": of the checkout, else of the installation."""
    checkout = Path(__file__).resolve().parent.parent / name
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "latent_nas" / name
