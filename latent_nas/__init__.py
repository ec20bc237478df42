"""latent_nas finds neural networks that fit a microcontroller, in a learned latent space."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latent_nas.api.commands import Bench, bench, calibrate, export, query, train
    from latent_nas.api.network import Network
    from latent_nas.api.result import Result
    from latent_nas.api.study import Study
    from latent_nas.contracts import check
    from latent_nas.modules import cost, deploy

if sys.platform == "win32":
    raise ImportError("latent_nas needs the file locks and signals of Linux or macOS; on Windows run it in WSL 2")

__version__ = "0.2.0"
PLACES = {
    "Bench": "api.commands",
    "Network": "api.network",
    "Result": "api.result",
    "Study": "api.study",
    "bench": "api.commands",
    "calibrate": "api.commands",
    "check": "contracts",
    "cost": "modules",
    "deploy": "modules",
    "export": "api.commands",
    "query": "api.commands",
    "train": "api.commands",
}
__all__ = [
    "Bench",
    "Network",
    "Result",
    "Study",
    "__version__",
    "bench",
    "calibrate",
    "check",
    "cost",
    "deploy",
    "export",
    "query",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import the Python interface when it is first asked for, so that a part of the package costs no more than it."""
    if name not in PLACES:
        raise AttributeError(f"module 'latent_nas' has no attribute {name!r}")
    return getattr(importlib.import_module(f"latent_nas.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    """Name the Python interface, imported or not."""
    return sorted({*globals(), *__all__})
