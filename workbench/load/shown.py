"""A load as people look at it: short, in a notebook as tables, in a terminal as lines."""

import html

from workbench.notes import Note

MOST = 12  # reasons shown at once
HOW = Note("load.how_read", "How it was read")
MORE = Note("load.more_reasons", "… and {n} more reasons", n=0)


def report_html(report):
    """Return a load report as HTML: what was read and kept, a row a reason, the rest folded."""
    import pandas as pd

    from workbench.display import tables
    from workbench.load.report import reason_note

    notes = report.said()
    head, found = notes[:2], [n for n in notes if n.id == "load.found"]
    told = [n for n in notes[2:] if not n.id.startswith(("load.refused", "load.found"))]
    shown = report.table.head(MOST)
    reasons = pd.DataFrame(
        {
            "rows": shown["rows"],
            "reason": [reason_note(r) for r in shown["reason"]],
            "first_line": shown["example"],
            **({"file": shown["file"]} if "file" in shown else {}),
        }
    )
    left = len(report.table) - len(shown)
    told += [MORE.having(n=left)] if left > 0 else []
    return (
        '<div class="load">'
        + "".join(f"<p>{_text(note)}</p>" for note in head)
        + (tables.table_html(reasons) if len(reasons) else "")
        + (f"<ul>{''.join(f'<li>{_text(n)}</li>' for n in told)}</ul>" if told else "")
        + f"<details><summary>{_text(HOW)}</summary><ul>"
        + "".join(f"<li>{_text(note)}</li>" for note in found)
        + "</ul></details></div>"
    )


def lines_of(loaded):
    """Return a line a table of a load, as notes: its rows and columns, read from its head only."""
    return [loaded.table(name).line() for name in loaded.tables]


def loaded_html(loaded):
    """Return a load as HTML: its report and its tables."""
    items = "".join(f"<li>{_text(note)}</li>" for note in lines_of(loaded))
    return f"{report_html(loaded.report)}<ul>{items}</ul>"


def loaded_text(loaded):
    """Return a load as text: its report and its tables."""
    return "\n".join([str(loaded.report), *(f"  {note}" for note in lines_of(loaded))])


def _text(note):
    return html.escape(str(note))
