"""The `workbench` command."""

import os
import sys

from workbench.cli import files, folders, markets, notebooks, options, schedules
from workbench.cli.says import BAD_INPUT, DONE, FAILED, RUNNING, complain
from workbench.display import speaking
from workbench.errors import AlreadyRunning, InputError, WorkbenchError
from workbench.notes import Note

ACTS = {**folders.ACTS, **notebooks.ACTS, **files.ACTS, **schedules.ACTS, **markets.ACTS}


def main(arguments=None):
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad input, 75 already
    running.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with speaking(options.asked_language(arguments)):
        return _act(options.read(arguments, ACTS))


def _act(asked):
    """Do what is asked; a mistake ends with one line on the error channel and its exit code."""
    try:
        return asked.act(asked)
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
