"""``python -m fastact``, and the script ``fastact``: see `fastact.cli`."""

import io
import sys


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
    try:
        from fastact.cli import main  # which takes long enough to be interrupted

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
