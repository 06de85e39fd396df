"""HTML from templates: every value is escaped unless it is HTML that a template made."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "templates"


def fill(name: str, **values) -> str:
    """Return a template of `workbench/templates` filled in; every value in it is escaped.

    The indentation and line breaks of a template are for who reads it and do not reach the page.
    A template that holds what another one made marks it `safe`.
    """
    return _templates().get_template(name).render(values)


@cache
def _templates():
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(_source))


def _source(name):
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return "".join(line.strip() for line in lines)
