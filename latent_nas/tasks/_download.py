"""Data that is fetched once, checked, and kept: in ``$LATENT_NAS_DATA``, else in the user's cache folder."""

import hashlib
import io
import os
from pathlib import Path

import pooch

VARIABLE = "LATENT_NAS_DATA"
PATIENCE_S = 30  # without a byte


def cache() -> Path:
    """Return the folder that holds what was downloaded: ``LATENT_NAS_DATA`` where it is set."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(pooch.os_cache("latent_nas"))


def download(name: str, url: str, sha256: str) -> Path:
    """Return the file ``name`` of the cache; fetched if it isn't there or has another checksum.

    Args:
        name: its place in the cache, e.g. "fashion_mnist/train.gz". sha256: hexadecimal, of the file's bytes.

    Raises:
        ValueError: it can't be fetched, or what came has another checksum; the cache is left as it was.
    """
    place = cache() / name
    if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == sha256:
        return place
    downloader = pooch.HTTPDownloader(progressbar=False, timeout=PATIENCE_S)
    try:
        found = pooch.retrieve(url, f"sha256:{sha256}", place.name, place.parent, downloader=downloader)
    except ValueError:  # pooch's word for another checksum
        raise ValueError(f"{url} gave a file with another checksum than {sha256[:12]}...; try again later") from None
    except OSError as error:  # requests' errors are among them
        raise ValueError(
            f"{url} can't be fetched ({type(error).__name__}); put the file at {place} yourself, or set {VARIABLE} to"
            " a folder that has it"
        ) from None
    return Path(found)


def fetch(url: str) -> bytes:
    """Return what a URL holds, for content whose checksum its reader knows; nothing is kept.

    Raises:
        ValueError: it can't be fetched.
    """
    found = io.BytesIO()
    try:
        pooch.HTTPDownloader(progressbar=False, timeout=PATIENCE_S)(url, found, None)
    except OSError as error:
        raise ValueError(f"{url} can't be fetched ({type(error).__name__}); see {VARIABLE} in the README") from None
    return found.getvalue()
