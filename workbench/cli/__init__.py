"""The `workbench` command."""

import argparse
import os
import sys

from workbench import __version__
from workbench.cli import files, markets, notebooks, schedules
from workbench.cli.says import BAD_INPUT, DONE, FAILED, RUNNING, complain
from workbench.display import LANGUAGES, language, speaking
from workbench.errors import AlreadyRunning, InputError, WorkbenchError
from workbench.notes import Note


def main(arguments=None):
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad input, 75 already
    running.
    """
    parser = argparse.ArgumentParser(
        prog="workbench", description="How people decide, what moves them, whether they stay."
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    for verb in (notebooks, files, schedules, markets):
        verb.add(verbs)
    options = parser.parse_args(arguments)
    with speaking(_language(options)):
        return _act(options)


def _act(options):
    """Do what is asked; a mistake ends with one line on the error channel and its exit code."""
    try:
        return options.act(options)
    except AlreadyRunning as error:
        return complain(error, RUNNING)
    except InputError as error:
        return complain(error, BAD_INPUT)
    except WorkbenchError as error:
        return complain(error, FAILED)
    except BrokenPipeError:
        # Whoever read our output (such as `head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        stopped = Note("cli.stopped", "stopped by the user; earlier reports are untouched")
        return complain(stopped, 130)


def _language(options):
    """Return the language asked for, also as the parameter of a report; else the one in use."""
    named = getattr(options, "language", None)
    for pair in getattr(options, "parameter", ()):
        name, _, value = pair.partition("=")
        named = value if name == "language" and value in LANGUAGES else named
    return named or language()
