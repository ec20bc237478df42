"""``latent-nas serve-mcp``: this package as tools of a program that speaks the Model Context Protocol."""

import functools
from collections.abc import Callable
from typing import Any

from latent_nas.cli import refused

EXTRA = "mcp"


def serve_mcp() -> None:
    """Serve cost, query, search and deploy as tools over standard input and output (Model Context Protocol).

    For a program that starts this command itself, such as an assistant that writes firmware: its settings take the
    command `latent-nas` with the argument `serve-mcp`. Wrong input is answered in a line; code of others (.py files) is
    refused.

    Example: latent-nas serve-mcp
    """
    from latent_nas import __version__
    from latent_nas.api import tools
    from latent_nas.extras import need

    server = need("mcp.server.mcpserver", EXTRA).MCPServer("latent_nas", version=__version__)
    wrong = need("mcp.server.mcpserver.exceptions", EXTRA).ToolError
    for tool in tools.TOOLS:
        server.tool()(_answering(tool, wrong))
    server.run("stdio")


def _answering(tool: Callable[..., Any], wrong: type[Exception]) -> Callable[..., Any]:
    """Return a tool that refuses code, and raises ``wrong`` with the line that a command would print."""

    @functools.wraps(tool)
    def answer(**named: Any) -> Any:
        texts = [text for value in named.values() for text in (value if isinstance(value, list) else [value])]
        if code := [text for text in texts if isinstance(text, str) and ".py" in text.lower()]:
            raise wrong(f"{code[0]!r} may be code, which is not run for others; use the command line for it")
        try:
            return tool(**named)
        except ValueError as error:
            raise wrong(str(error)) from None
        except refused.KINDS as error:
            raise wrong(refused.line(error)) from None

    return answer
