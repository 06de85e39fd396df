"""What the tests of the door share: a small mapping, files written in a line, reasons counted."""

from workbench import load

COLUMNS = {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "eur"}


def mapping(**more):
    """The mapping of orders, with more or other keys."""
    return {"table": "orders", "zone": "UTC", "columns": dict(COLUMNS), **more}


def lines_mapping(**more):
    """The mapping of order lines, with more or other keys."""
    columns = {**COLUMNS, "product_id": "sku", "quantity": "n"}
    return {"table": "order_lines", "zone": "UTC", "columns": columns, **more}


def written(folder, text, name="f.csv", encoding="utf-8"):
    """Write a text to a file and return its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def loaded(folder, text, told=None, name="f.csv", encoding="utf-8"):
    """Load a text as a file."""
    return load.file(written(folder, text, name, encoding), told or mapping())


def reasons(found):
    """Refused rows by reason."""
    return found.report.table.set_index("reason")["rows"].to_dict()


def noticed(found):
    """The ids of what was noticed."""
    return {note.id.removeprefix("load.") for note in found.report.noticed}


def accounted(found):
    """Whether rows in are the rows kept and the rows refused."""
    report = found.report
    return report.rows_in == report.rows_kept + len(report.rejected)
