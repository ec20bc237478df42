"""A Ray cluster: work on many machines, on GPUs where there are any (extra ``ray``).

The machines need this package and the same versions of Python and Ray; each result comes back by the network.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any

from latent_nas.crews import HEARERS, Crew, Lost
from latent_nas.extras import need

OWN_TOKEN = secrets.token_hex(32)  # one for the process: Ray keeps the first that it sees
PATIENCE_S = 10.0  # for an address to answer
LOCAL_STORE_BYTES = 100 * 2**20  # of a local cluster's shared memory; records are small
LOOPBACK = "127.0.0.1"
ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # "0": a cluster of one machine, at LOOPBACK; on Linux as well
AUTH, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"  # Ray then refuses who does not know the token
GRPC_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(
    [0, 0, 0, 4, 0, 0, 0, 0, 0]
)  # RFC 9113, 3.4: preface, settings
SETTINGS = 4  # the type of a server's first frame
log = logging.getLogger("latent_nas")


class Cluster(Crew):
    """A Ray cluster, joined or begun here.

    Args:
        address: "host:port" of the head, "ray://host:port", or "local" for a cluster of this machine alone.
        workers: at once, at most; 0 is one per core of the cluster.
        gpus: that one piece of work asks for, where there are any.

    Raises:
        ValueError: see ``check``; or the cluster refuses.
    """

    def __init__(self, address: str, workers: int = 0, gpus: float = 0.0) -> None:
        self.check(address)
        self._closed_to_others = os.environ.get(TOKEN) == OWN_TOKEN
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._workers, self._gpus = workers, gpus
        self._ray, self._ours = ray, not ray.is_initialized()
        if self._ours:
            own = {"num_cpus": workers or os.cpu_count(), "object_store_memory": LOCAL_STORE_BYTES}
            more: dict[str, Any] = {**own, "include_dashboard": False} if address == "local" else {}
            try:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **more)
            except Exception as error:  # noqa: BLE001 - Ray raises Exception itself, for a node that starts too slowly
                reason = " ".join(str(error).split())[:200]
                raise ValueError(f"the Ray cluster at {address!r} can't be joined: {reason}") from None
            at = ray.util.get_node_ip_address()
            if address == "local" and at != LOOPBACK:
                log.warning("Ray was imported before: it listens at %s, not at %s alone, with a token", at, LOOPBACK)
        self._call = ray.remote(max_retries=0, num_cpus=1, scheduling_strategy="SPREAD")(_call)

    @staticmethod
    def check(address: str) -> None:
        """Raise ValueError where ray is not installed, the address is none, or nothing answers there within 10 s."""
        if address == "local":  # Ray reads these as it is imported; other users of this machine reach LOOPBACK too
            os.environ.setdefault(ALONE, "0")
            if AUTH not in os.environ:
                os.environ.update({AUTH: "token", TOKEN: OWN_TOKEN})
        need("ray", "ray")
        if address != "local":
            _knock(address)

    @property
    def slots(self) -> int:
        """How many pieces of work the nodes that are alive take at once."""
        cores, gpus = self._has("CPU"), self._has("GPU")
        room = min(cores, gpus / self._gpus) if gpus and self._gpus else cores
        return max(int(min(room, self._workers or room)), 1)

    def start(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Begin a piece of work on any node that has room; it gets the GPUs that it asks for where there are any."""
        return self._call.options(num_gpus=self._gpus if self._has("GPU") else 0).remote(work, arguments)

    def finished(self, handles: list[Any]) -> list[Any]:
        """Wait for one; return all that are done, in the order in which they began."""
        self._ray.wait(handles, num_returns=1)
        done = self._ray.wait(handles, num_returns=len(handles), timeout=0)[0]
        return [handle for handle in handles if handle in done]

    def result(self, handle: Any) -> Any:
        """Return what the work returned; say first what it said."""
        from ray.exceptions import RayError, RayTaskError

        try:
            found, lines = self._ray.get(handle)
        except RayTaskError as error:
            raise error.cause from None
        except RayError as error:
            text = " ".join(str(error).split())[:120]
            raise Lost(f"its worker or node was lost ({type(error).__name__}: {text})") from None
        for line in lines:
            self.say(line)
        return found

    def close(self) -> None:
        """Leave the cluster; a local one ends."""
        if self._ours:
            self._ray.shutdown()
        if self._closed_to_others:
            os.environ.pop(AUTH, None)
            os.environ.pop(TOKEN, None)

    def _has(self, resource: str) -> float:
        return float(self._ray.cluster_resources().get(resource, 0))


def _call(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, list[str]]:
    """Return what the work returns, and the lines that it has said, which come with it."""
    lines = list[str]()
    HEARERS[:] = [lines.append]  # a worker does one piece of work at a time
    return work(*arguments), lines


def _knock(address: str) -> None:
    """Raise ValueError unless a gRPC server, which every Ray head is, answers at the address in time.

    Ray itself would wait for minutes, and then end the process.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f'a Ray address is host:port, ray://host:port or "local"; got {address!r}')
    deadline = time.monotonic() + PATIENCE_S
    try:
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as line:
            if os.environ.get("RAY_USE_TLS", "0") == "1":
                return  # it says nothing to one without a certificate
            line.settimeout(max(deadline - time.monotonic(), 0.1))
            line.sendall(GRPC_HELLO)
            answer = line.recv(9)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"nothing answers at the Ray address {address} within {PATIENCE_S:.0f} s ({error});"
            " begin a cluster there with `ray start --head`, or use --ray local"
        ) from None
    if len(answer) < 4 or answer[3] != SETTINGS:
        raise ValueError(f"what answers at {address} is not a Ray head; give the address printed by `ray start --head`")


Plugin = Cluster
