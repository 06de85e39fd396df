"""Sentences that do not yet stand where their numbers are made: the last of the YAML catalogues."""

from functools import cache
from importlib.resources import files

from workbench.display import (
    LANGUAGES,
    header,
    language,
    number,
    p_value,
    percent,
    plain,
    render,
    span,
    use,
)
from workbench.display import word as _word

__all__ = [
    "LANGUAGES",
    "catalogue",
    "language",
    "number",
    "p_value",
    "percent",
    "plain",
    "render",
    "span",
    "t",
    "use",
    "word",
]

_SPANS = ("gap", "window", "timeout", "horizon", "within", "half_life")


@cache
def catalogue(language):
    """Return every text of a language as one flat dictionary, keys joined with dots."""
    import yaml

    def flatten(node, prefix=""):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from flatten(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", str(value).strip()

    source = (files(__package__) / f"{language}.yml").read_text(encoding="utf-8")
    return dict(flatten(yaml.safe_load(source)))


def t(key, **values):
    """Return the sentence behind `key` in the language in use, with `values` filled in."""
    filled = {k: span(v) if k in _SPANS else str(v) for k, v in values.items()}
    return catalogue(language())[key].format(**filled)


def word(name, *, header=False):
    """Return the display word of one of the workbench's own names."""
    return _header(name) if header else _word(name)


_header = header
