"""`workbench new` and `update`: a folder to work in."""

import os

from workbench.cli.says import DONE, say
from workbench.notes import Note


def _new(options):
    from workbench.reports import working_folder

    folder = working_folder.new(options.folder, options.language or "en")
    shown = os.path.relpath(folder)
    say(Note("cli.new_made", "{folder}: made. Begin with:", folder=shown))
    say(f"  cd {shown}")
    say("  jupyter lab notebooks/00_start.ipynb")
    return DONE


def _update(options):
    from workbench.reports import working_folder

    changes = working_folder.update()
    for name in changes.brought:
        say(Note("cli.update_brought", "{name}: brought up to date", name=name))
    for name in changes.kept:
        say(
            Note("cli.update_kept", "{name}: you changed it, and it is left as it is", name=name),
        )
    for name in changes.removed:
        say(Note("cli.update_removed", "{name}: you removed it, and it stays away", name=name))
    if not changes.brought:
        say(Note("cli.update_nothing", "nothing is newer than what stands here"))
    return DONE


ACTS = {"new": _new, "update": _update}
