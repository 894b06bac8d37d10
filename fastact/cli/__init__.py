"""The commands of ``python -m fastact``: info, list, demo, plot, bench and accuracy.

A command is a module with ``SUMMARY``, ``EXAMPLE``, ``add_arguments`` and ``run``. Nothing here is
imported by ``import fastact``, and what a command needs beyond NumPy is imported when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from fastact.cli import accuracy, bench, demo, info, listing, plot
from fastact.cli.common import CommandError

COMMANDS = {
    "info": info,
    "list": listing,
    "demo": demo,
    "plot": plot,
    "bench": bench,
    "accuracy": accuracy,
}

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_BROKEN_PIPE = 141  # 128 + SIGPIPE


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog="python -m fastact",
        description="fastact: activation functions for NumPy arrays.",
        epilog="example:\n  python -m fastact demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``python -m fastact``; by default those of this process.

    Returns
    -------
    int
        The exit code: 0, 1 where something is missing, 2 for a wrong word, 130 after Ctrl-C.
    """
    options = make_parser().parse_args(arguments)
    try:
        status: int = COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except CommandError as error:
        print(f"python -m fastact {options.command}: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; the flush at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        print(f"python -m fastact {options.command}: {error}", file=sys.stderr)
        return 1
    return status
