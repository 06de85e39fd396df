"""The `workbench` command."""

import os
import sys

from workbench.cli import files, folders, markets, notebooks, options, schedules
from workbench.cli.says import BAD_INPUT, DONE, FAILED, RUNNING, complain
from workbench.display import speaking
from workbench.errors import AlreadyRunning, InputError, WorkbenchError
from workbench.notes import Note

ACTS = {**folders.ACTS, **notebooks.ACTS, **files.ACTS, **schedules.ACTS, **markets.ACTS}

LONGEST = 4000  # bytes of one word, as a path


def main(arguments=None):
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad input, 75 already
    running.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with speaking(options.asked_language(arguments)):
        for word in arguments:
            if not _usable(word):
                return complain(UNUSABLE.having(word=word[:40]), BAD_INPUT)
        return _act(options.read(arguments, ACTS))


UNUSABLE = Note(
    "cli.error_word",
    "{word:repr}: no name or value can be written so: it is too long, holds a character that no "
    "file name holds, or is only '--'",
    word="",
)


def _usable(word):
    """Say whether a word of a command line can name something."""
    try:
        size = len(word.encode("utf-8"))
    except UnicodeEncodeError:
        return False
    return size <= LONGEST and "\0" not in word and not word.endswith("=--")


def _of_system(error):
    """Return what the machine says of a file or folder as one line."""
    return Note(
        "cli.error_system",
        "{path}: {reason:text}",
        path=error.filename or "–",
        reason=error.strerror or str(error),
    )


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
    except OSError as error:
        return complain(_of_system(error), BAD_INPUT)
    except KeyboardInterrupt:
        stopped = Note("cli.stopped", "stopped by the user; earlier reports are untouched")
        return complain(stopped, 130)
