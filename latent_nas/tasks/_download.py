"""Data that is fetched once, checked, and kept: in ``$LATENT_NAS_DATA``, else in the user's cache folder."""

import hashlib
import io
import os
from pathlib import Path

import pooch

VARIABLE = "LATENT_NAS_DATA"
PATIENCE_S = 30  # without a byte


def cache() -> Path:
    """Return the folder for what is downloaded: ``LATENT_NAS_DATA`` where it is set."""
    return Path(os.environ.get(VARIABLE) or pooch.os_cache("latent_nas"))


def download(name: str, url: str, sha256: str) -> Path:
    """Return the file ``name`` of the cache folder, fetched if it is not there.

    Args:
        sha256: of the file's bytes, hexadecimal.

    Raises:
        ValueError: what is there has another checksum, or it can't be fetched, or what came has another one; the folder
            is left as it was.
    """
    place = cache() / name
    if place.is_file():
        found = hashlib.sha256(place.read_bytes()).hexdigest()
        if found != sha256:
            raise ValueError(
                f"{place} has sha256 {found[:12]}..., wanted {sha256[:12]}...; move it away, and it is fetched anew"
            )
        return place
    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(progressbar=False, timeout=PATIENCE_S)
    try:
        pooch.retrieve(url, f"sha256:{sha256}", place.name, place.parent, downloader=downloader)
    except ValueError:  # pooch's word for another checksum
        raise ValueError(f"{url} gave a file with another sha256 than {sha256[:12]}...; nothing was kept") from None
    except OSError as error:  # requests' errors are among them
        raise ValueError(
            f"{url} can't be fetched ({type(error).__name__}); put the file at {place} yourself, or set {VARIABLE} to a"
            " folder that has it"
        ) from None
    return place


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
