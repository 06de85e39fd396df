"""Run the notebooks anew and keep their cleaned output as the reference for the tests.

python -m workbench.reports.golden [NAME …]
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import workbench.reports  # noqa: F401 - before nbformat, see there
from workbench import project
from workbench.display import record
from workbench.reports.run import find, notebooks

KEPT_METADATA = {"kernelspec", "language_info"}


def clean(book):
    """Remove what is volatile from an executed notebook: ids of runs, times, versions, warnings."""
    for key in set(book.metadata) - KEPT_METADATA:
        book.metadata.pop(key)
    book.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    book.metadata["language_info"] = {"name": "python"}
    for i, cell in enumerate(book.cells):
        cell["id"] = f"cell-{i:02d}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [
                o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")
            ]
    return book


def facts_of(name):
    """Return the file with the facts of a notebook."""
    return project.root() / "tests" / "facts" / f"{name}.json"


def keep_facts(name, log):
    """Keep the facts of a notebook that was run, each Result once, for the tests that hold the
    notebooks against each other.
    """
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    entries = [json.loads(line) for line in dict.fromkeys(lines)]
    path = facts_of(name)
    path.parent.mkdir(exist_ok=True)
    text = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    path.write_text(f"[{text}]\n", encoding="utf-8")


def main(names):
    """Execute and rewrite the named notebooks, or all of them."""
    import nbformat
    import papermill
    from traitlets.config import Config

    os.environ["PYTHONHASHSEED"] = "0"
    for path in [find(n) for n in names] or notebooks().values():
        with tempfile.TemporaryDirectory() as folder:
            out, log = Path(folder) / path.name, Path(folder) / "facts.jsonl"
            os.environ[record.FACTS] = str(log)
            papermill.execute_notebook(
                str(path),
                str(out),
                kernel_name="python3",
                progress_bar=False,
                cwd=str(path.parent),
                config=Config(KernelManager={"transport_encryption": "auto"}),
            )
            keep_facts(path.stem, log)
            before, after = nbformat.read(path, 4), clean(nbformat.read(out, 4))
        changed = sum(
            a.get("outputs") != b.get("outputs")
            for a, b in zip(before.cells, after.cells, strict=False)
        )
        nbformat.write(after, path)
        print(f"{path.name}: {changed} cells changed their output")


if __name__ == "__main__":
    main(sys.argv[1:])
