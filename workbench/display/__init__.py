"""Words at the edge: notes, numbers and names written out in the language in use."""

from workbench.display.languages import LANGUAGES, language, speaking, use
from workbench.display.writing import (
    header,
    number,
    p_value,
    percent,
    plain,
    render,
    span,
    visible,
    word,
)

__all__ = [
    "LANGUAGES",
    "header",
    "language",
    "number",
    "p_value",
    "percent",
    "plain",
    "render",
    "span",
    "speaking",
    "use",
    "visible",
    "word",
]
