"""A user's cache that knows nothing but what was compiled: a compiler that begins with nothing takes seconds."""

from pathlib import Path

from latent_nas.firmware import cache
from latent_nas.firmware.compile import CACHE_NAME, SOURCES


def fresh_cache(place: Path) -> Path:
    """Make a folder for LATENT_NAS_CACHE whose compiled parts are those of the user who runs the tests."""
    kept = cache.folder()
    for name in (CACHE_NAME, SOURCES):
        (kept / name).mkdir(exist_ok=True)
    place.mkdir()
    for path in kept.iterdir():
        if path.name in (CACHE_NAME, SOURCES) or path.suffix in (".lib", cache.SUM):
            (place / path.name).symlink_to(path)
    return place
