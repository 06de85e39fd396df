"""A load as people look at it: short, in a notebook as tables, in a terminal as lines."""

from workbench.notes import Note

MOST = 12  # reasons shown at once
HOW = Note("load.how_read", "How it was read")
MORE = Note("load.more_reasons", "… and {n} more reasons", n=0)


def report_html(report):
    """Return a load report as HTML: what was read and kept, a row a reason, the rest folded."""
    return _html(report, [])


def lines_of(loaded):
    """Return a line a table of a load, as notes: its rows and columns, read from its head only."""
    return [loaded.table(name).line() for name in loaded.tables]


def loaded_html(loaded):
    """Return a load as HTML: its report and its tables."""
    return _html(loaded.report, lines_of(loaded))


def _html(report, tables):
    from workbench.display.tables import table_html
    from workbench.display.templates import fill

    notes = report.said()
    reasons = _reasons(report)
    said = [n for n in notes[2:] if not n.id.startswith(("load.refused", "load.found"))]
    left = len(report.table) - len(reasons)
    return fill(
        "loaded.html.j2",
        head=notes[:2],
        reasons=table_html(reasons) if len(reasons) else "",
        said=said + ([MORE.having(n=left)] if left > 0 else []),
        how=HOW,
        read=[note for note in notes if note.id == "load.found"],
        tables=tables,
    )


def _reasons(report):
    """Return the most frequent reasons for refusing rows, a row each."""
    import pandas as pd

    from workbench.load.report import reason_note

    most = report.table.head(MOST)
    return pd.DataFrame(
        {
            "rows": most["rows"],
            "reason": [reason_note(r) for r in most["reason"]],
            "first_line": most["example"],
            **({"file": most["file"]} if "file" in most else {}),
        }
    )


def loaded_text(loaded):
    """Return a load as text: its report and its tables."""
    return "\n".join([str(loaded.report), *(f"  {note}" for note in lines_of(loaded))])
