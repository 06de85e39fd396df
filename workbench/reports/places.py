"""Places on this machine: what a report says of files never tells where they lie."""

import re
from pathlib import Path

from workbench import project

_ELSEWHERE = "…/"


def hidden(text, values=()):
    """Return a text without the absolute paths of this project, and of files named in parameters.

    Within the project a path begins at its root; of a file elsewhere its name is left.
    """
    return _hide(text, _places(values))


def hide_in(thing, values=()):
    """Hide the paths in plain data, such as a manifest or an executed notebook, in place."""
    return _hide(thing, _places(values))


def _hide(thing, known):
    if isinstance(thing, str):
        for place, instead in known:
            thing = place.sub(instead, thing)
    elif isinstance(thing, dict):
        for name in thing:
            thing[name] = _hide(thing[name], known)
    elif isinstance(thing, list):
        thing[:] = [_hide(part, known) for part in thing]
    return thing


def _places(values):
    """Return the places that are hidden and what stands instead, the longest first."""
    root = project.root()
    found = {str(root): "", str(root.resolve()): ""}
    for value in _texts(values.values() if isinstance(values, dict) else values):
        path = Path(value).expanduser()
        if path.is_absolute() and len(path.parts) > 2:
            found.setdefault(str(path.parent), _ELSEWHERE)
    if len(Path.home().parts) > 2:
        found.setdefault(str(Path.home()), "~/")
    longest_first = sorted(found.items(), key=lambda pair: -len(pair[0]))
    return [
        (re.compile(re.escape(place) + r"(?:/|(?![\w.-]))"), instead)
        for place, instead in longest_first
    ]


def _texts(values):
    for value in values:
        if isinstance(value, str) and len(value) < 4096 and "\0" not in value:
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)
