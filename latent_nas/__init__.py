"""latent_nas finds neural networks that fit a microcontroller, in a learned latent space."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latent_nas.api import Network, Result, Study
    from latent_nas.contracts import check

__version__ = "0.2.0"
__all__ = ["Network", "Result", "Study", "__version__", "check"]


def __getattr__(name: str) -> Any:
    """Import the Python interface when it is first asked for, so that a part of the package costs no more than it."""
    if name not in ("Network", "Result", "Study", "check"):
        raise AttributeError(f"module 'latent_nas' has no attribute {name!r}")
    from latent_nas import api, contracts

    return contracts.check if name == "check" else getattr(api, name)
