"""Who may speak to the page: this machine's browser, with the address that was printed; nobody else.

Every request has the token in its path, and names this machine and port as its host, so that a name of another site
that is made to point here is refused. What writes has the token in a header as well, which no form or link of
another site can send.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOCAL = "127.0.0.1"
HEADER = "X-Latent-NAS-Token"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Of every answer: nothing is loaded from elsewhere, kept, framed, guessed at, or told to others.
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Guard:
    """The token of a server and the port that it listens on."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def base(self) -> str:
        """The path that every page begins with."""
        return f"/{self.token}"

    @property
    def address(self) -> str:
        """What the user opens."""
        return f"http://{LOCAL}:{self.port}{self.base}/"

    def refused(self, path: str, headers: Mapping[str, str], writes: bool) -> str:
        """Return why a request is refused, in a line; "" where it is not.

        Args:
            path: of the request, with its query. headers: of the request. writes: whether it starts or ends anything.
        """
        hosts = {f"{name}:{self.port}" for name in (LOCAL, "localhost")}
        if headers.get("Host", "").lower() not in hosts:
            return f"this page answers to {LOCAL}:{self.port} alone"
        origin = headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() not in hosts:
            return "this page answers to no other site"
        if not self._same(path.split("?")[0].split("/")[1:2]):
            return "the address lacks its token; open the one that latent-nas ui printed"
        if writes and not self._same([headers.get(HEADER, "")]):
            return f"what writes wants the token in the header {HEADER}"
        return ""

    def _same(self, given: list[str]) -> bool:
        return hmac.compare_digest("".join(given).encode("utf-8", "replace"), self.token.encode())
