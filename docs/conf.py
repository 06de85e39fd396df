"""How Sphinx reads the pages: Markdown, executed notebooks, docstrings in NumPy style."""

import re

from pygments.lexers.special import TextLexer

import workbench

project = "Consumer Behaviour Workbench"
version = release = workbench.__version__
author = "the project"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "furo"
html_title = f"{project} {version}"
# Notebooks are committed executed; `make test` holds their outputs against a new run.
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
myst_links_external_new_tab = False
# `name` in a docstring is a name, not a word in italics.
default_role = "code"
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"


def _own_sections(app, what, name, obj, options, lines):
    """Give what stands after the sections of a docstring, its source and a short "Raises …", a
    section of its own; Napoleon would take it for a part of the last one.
    """
    text = "\n".join(lines)
    text = re.sub(r"^Source: ", "References\n----------\n", text, flags=re.MULTILINE)
    text = re.sub(r"^(?=Raises (?!\n))(?=Raises \w)", "Notes\n-----\n", text, flags=re.MULTILINE)
    lines[:] = text.split("\n")


def setup(app):
    """Read a block of CSV as plain text, and docstrings as ours are written."""
    app.add_lexer("csv", TextLexer)
    app.connect("autodoc-process-docstring", _own_sections, priority=400)
