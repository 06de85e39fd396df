"""Build the documentation site from what the repository holds: `make docs`.

The pages stand where they are written (README, docs/, notebooks/, docstrings); this brings them
together under one roof and lets Sphinx refuse whatever does not fit (`-W`: a warning is an error).
"""

import importlib
import inspect
import re
import shutil
import sys
from pathlib import Path

import nbformat

import workbench

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "docs" / "_site"
GUIDE = {
    "README.md": "Guide",
    "docs/mapping.md": "Mapping your own files",
    "docs/notebooks.md": "Writing a notebook",
    "ARCHITECTURE.md": "Architecture",
    "CONTRIBUTING.md": "Contributing",
    "CHANGELOG.md": "Changelog",
}
EVIDENCE = {"docs/glossary.md": "Glossary", "docs/verification.md": "Verification"}
INDEX = """\
# Consumer Behaviour Workbench

How people decide, what moves them and whether they stay: every number with what it was counted
over, its interval, and what it does not show.

```{{toctree}}
:caption: Guide
{guide}
```

```{{toctree}}
:caption: Coming from
:glob:
coming-from/*
```

```{{toctree}}
:caption: Notebooks
{notebooks}
```

```{{toctree}}
:caption: Definitions and evidence
{evidence}
decisions
```

```{{toctree}}
:caption: Functions
:maxdepth: 1
{rooms}
```
"""


def main(builder="html", site=SITE):
    """Assemble the sources and build under `site`; returns Sphinx's exit code."""
    from sphinx.cmd.build import build_main

    source, built = Path(site) / "source", Path(site) / builder
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    names = assemble(source)
    (source / "index.md").write_text(INDEX.format(**names), encoding="utf-8")
    return build_main(
        [
            "-b",
            builder,
            "-W",
            "--keep-going",
            "-q",
            "-c",
            str(ROOT / "docs"),
            str(source),
            str(built),
        ]
    )


def assemble(source):
    """Write every page into `source`; returns the lists of their names for the index."""
    for path in (*GUIDE, *EVIDENCE):
        text = (ROOT / path).read_text(encoding="utf-8").replace("](docs/", "](")
        (source / f"{Path(path).stem.lower()}.md").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "docs" / "report.png", source)
    shutil.copytree(ROOT / "docs" / "decisions", source / "decisions")
    shutil.copytree(ROOT / "docs" / "coming-from", source / "coming-from")
    (source / "decisions.md").write_text(
        "# Decisions\n\n```{toctree}\n:glob:\ndecisions/*\n```\n", encoding="utf-8"
    )
    return {
        "guide": _entries(GUIDE),
        "evidence": _entries(EVIDENCE),
        "notebooks": "\n".join(f"notebooks/{name}" for name in notebooks(source)),
        "rooms": "\n".join(f"api/{room}" for room in rooms(source)),
    }


def _entries(pages):
    return "\n".join(f"{title} <{Path(path).stem.lower()}>" for path, title in pages.items())


def notebooks(source):
    """Copy the executed notebooks; returns their names."""
    home = source / "notebooks"
    home.mkdir()
    names = []
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if path.stem.endswith(".nl"):
            continue
        book = nbformat.read(path, as_version=4)
        for cell in book.cells:
            # What a project makes for itself is not on the site.
            cell.source = re.sub(r"\[([^]]+)\]\(\.\./reports/[^)]*\)", r"`\1`", cell.source)
        nbformat.write(book, home / path.name)
        names.append(path.stem)
    return names


def rooms(source):
    """Write a page a room with its public functions, from their docstrings; returns the rooms."""
    home = source / "api"
    home.mkdir()
    for room in workbench.MODULES:
        module = importlib.import_module(f"workbench.{room}")
        public = [n for n in getattr(module, "__all__", ()) if _documented(getattr(module, n))]
        page = [
            room,
            "=" * len(room),
            "",
            f".. automodule:: workbench.{room}",
            "   :no-members:",
            "",
        ]
        for name in public:
            kind = "autoclass" if inspect.isclass(getattr(module, name)) else "autofunction"
            page += [f".. {kind}:: workbench.{room}.{name}", ""]
        (home / f"{room}.rst").write_text("\n".join(page), encoding="utf-8")
    return list(workbench.MODULES)


def _documented(thing):
    return callable(thing) and bool(inspect.getdoc(thing))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
