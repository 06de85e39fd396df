"""What the command says and how it ends."""

import sys

from workbench.display import visible

DONE, FAILED, BAD_INPUT, RUNNING = 0, 1, 2, 75


def say(text="", *, error=False):
    """Print what a person reads; what a terminal would obey is written out."""
    lines = (visible(line) for line in str(text).split("\n"))
    print("\n".join(lines), file=sys.stderr if error else sys.stdout)


def complain(error, code):
    """Say what went wrong, after the command's name, and return the exit code."""
    say(f"workbench: {error}", error=True)
    return code
