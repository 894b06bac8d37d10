"""``python -m fastact``: see `fastact.cli`."""

import io
import sys

from fastact.cli import main


def run() -> int:
    """Run the command that the process was started with.

    Returns
    -------
    int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no minus sign or Greek letter gets a question mark.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return main()


if __name__ == "__main__":
    sys.exit(run())
