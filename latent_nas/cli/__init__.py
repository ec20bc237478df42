"""The command line ``latent-nas``; every script in ``scripts/`` is one of its commands.

Exit codes: 0 done, 1 done without what was wanted (no network, other outputs), 2 wrong input or a machine that refuses
(one line says what), 3 a firmware that faults, 4 a proof that could not be made, 130 stopped by Ctrl-C (129 by SIGHUP,
143 by SIGTERM).
"""

import gc
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

from latent_nas import __version__, threads
from latent_nas.cli import (
    bench,
    calibrate,
    check,
    cost,
    data,
    deploy,
    doctor,
    export,
    lists,
    models,
    open_report,
    query,
    refused,
    report,
    runs,
    search,
    serve_mcp,
    stopping,
    train,
    ui,
)
from latent_nas.cli.configured import configured

OLD_GARBAGE = 100  # collections of younger garbage before all objects are looked through
UsageError: Any = typer.BadParameter.__mro__[1]  # of click, which newer typers bring inside
app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)
groups = {
    "dataset": typer.Typer(no_args_is_help=True, help="Your own data, and tables of truly trained networks."),
    "codec": typer.Typer(no_args_is_help=True, help="The latent space."),
    "surrogate": typer.Typer(no_args_is_help=True, help="Predictors of accuracy and cost."),
    "agent": typer.Typer(no_args_is_help=True, help="The RL agent."),
}


def print_version(asked: bool) -> None:
    """Print the version and end, if it was asked for."""
    if asked:
        print(f"latent_nas {__version__}")
        raise typer.Exit


@app.callback()
def of_every_command(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find neural networks that fit a microcontroller, train them, and prove on an emulated board that they fit."""


PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Find a network": (search.search, query.query, query.validate, report.report, runs.runs),
    "Take a network to a board": (cost.cost, deploy.deploy, export.export, train.train, calibrate.calibrate),
    "Compare and extend": (bench.bench, check.check),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(configured(command))
groups["dataset"].command("build")(configured(models.dataset_build))
groups["dataset"].command("info")(configured(data.dataset_info))
groups["dataset"].command("import")(configured(data.dataset_import))
groups["codec"].command("train")(configured(models.codec_train))
groups["surrogate"].command("train")(configured(models.surrogate_train))
groups["agent"].command("train")(configured(models.agent_train))
for name, group in groups.items():
    app.add_typer(group, name=name, rich_help_panel="Artefacts, step by step")
    group.callback()(lambda: None)
app.command("open", rich_help_panel="Find a network")(configured(open_report.open_report))
app.command("ui", rich_help_panel="Find a network")(configured(ui.ui))
app.command(rich_help_panel="Find a network")(doctor.doctor)
app.command(rich_help_panel="Compare and extend")(serve_mcp.serve_mcp)
for kind in lists.KINDS:
    app.command(kind, rich_help_panel="Names to choose from")(lists.command(kind))


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit: wrong input is one line on standard error and exit code 2."""
    stopping.listen()
    threads.default()
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # names that the terminal's encoding does not have
    gc.set_threshold(*gc.get_threshold()[:2], OLD_GARBAGE)  # looking through torch took a sixth of a search
    try:
        code = app(args=arguments or sys.argv[1:] or ["--help"], standalone_mode=False)
        if sys.stdout is not None:  # closed, as of `latent-nas ... >&-`
            sys.stdout.flush()  # a full disk is said here, not at Python's own end
    except (ValueError, UsageError) as error:
        _end(refused.in_own_code(error) or told(error))
    except KeyboardInterrupt:
        sys.exit(stopping.code())
    except typer.Abort as stop:
        cause = stop.__cause__ or stop.__context__
        if isinstance(cause, EOFError):
            _end(refused.line(cause))
        sys.exit(stopping.code())
    except refused.KINDS as error:
        if isinstance(error, BrokenPipeError):  # as of `latent-nas ... | head`: nobody reads on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        _end(refused.in_own_code(error) or refused.line(error))
    except Exception as error:
        if not (line := refused.in_own_code(error)):
            raise  # a bug of ours
        _end(line)
    if code == 128 + signal.SIGINT:  # typer's, whatever the signal was
        code = stopping.code()
    sys.exit(code if isinstance(code, int) else 0)


def _end(line: str) -> NoReturn:
    """End with a line on standard error."""
    with suppress(OSError, ValueError, AttributeError):  # standard error may be closed or full as well
        print(f"error: {line}", file=sys.stderr, flush=True)
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what it could not take is not tried again
    sys.exit(2)


def told(error: Any) -> str:
    """Return an error as a line; of a command used wrongly also how to go on."""
    if isinstance(error, UnicodeEncodeError):
        return refused.not_utf8(error) or str(error)
    if not isinstance(error, UsageError):
        return str(error)
    context = getattr(error, "ctx", None)
    line = " ".join(error.format_message().split()).rstrip(".") or "no command given"
    return f"{line}; see {context.command_path} --help" if context else line


def script(*command: str) -> NoReturn:
    """Run a command with the process's own arguments; what every file in ``scripts/`` does."""
    main([*command, *sys.argv[1:]])
