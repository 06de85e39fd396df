"""A mapping that is wrong ends in one clear line and code 2, whatever is wrong with it."""

import pytest

from workbench import cli

HEAD = """table: orders
zone: UTC
columns: {order_id: id, customer_id: who, ordered_at: at, amount: eur}
"""
WRONG = {
    "deep": ("[" * 3000, "blocks within each other"),
    "deep in a block": (HEAD + "read: " + "{a: " * 60 + "1" + "}" * 60, "blocks within each other"),
    "delimiter a number": (HEAD + "read: {delimiter: 5}", "delimiter: a text is needed, found 5"),
    "delimiter a list": (HEAD + "read: {delimiter: [',']}", "delimiter: a text is needed"),
    "delimiter two characters": (HEAD + "read: {delimiter: ';;'}", "one character"),
    "encoding a number": (HEAD + "read: {encoding: 5}", "encoding: a text is needed"),
    "encoding with a zero": (HEAD + 'read: {encoding: "a\\0b"}', "no such encoding"),
    "encoding of bytes": (HEAD + "read: {encoding: hex}", "no such encoding"),
    "skip below zero": (HEAD + "read: {skip_rows: -1}", "0 or more"),
    "skip yes": (HEAD + "read: {skip_rows: true}", "a whole number"),
    "reject a column that is a list": (
        HEAD + "reject: [{column: [a], missing: true, reason: x}]",
        "reject, 1, column: a text is needed",
    ),
    "reason a list": (
        HEAD + "reject: [{column: who, missing: true, reason: [x, y]}]",
        "reject, 1, reason: a text is needed",
    ),
    "at most on words": (
        HEAD + "reject: [{column: who, at_most: 5, reason: x}]",
        "at_most compares numbers",
    ),
    "nested multiply": (
        "table: orders\nzone: UTC\ncolumns: {order_id: id, customer_id: who, ordered_at: at,"
        " amount: {multiply: [[eur], {a: 1}]}}",
        "multiply, 1: a text is needed",
    ),
    "seconds since 1970 by their old letter": (HEAD + 'time_format: "%s"', "mean '%S'"),
    "month for minute": (HEAD + 'time_format: "%d-%m-%Y %H:%m"', "same part of a time"),
    "a form of a spreadsheet": (HEAD + "time_format: dd-mm-yyyy", "a form such as"),
    "half a form": (HEAD + 'time_format: "%Y-%m"', "a day needs"),
    "a key twice": (HEAD + "zone: UTC", "'zone' stands twice"),
    "an alias": (HEAD + "read: &a {sheet: x}\nfiles: *a", "anchors and aliases"),
    "a tab": (HEAD + "\tread: {}", "line 4"),
    "query on a file that heeds none": (HEAD + "read: {query: SELECT 1}", "query"),
    "two tables": (HEAD.replace("orders", "[orders, events]"), "table: a text is needed"),
    "a column the file has not": (HEAD.replace("eur", "euro"), "Did you mean 'eur'"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_one_clear_line(tmp_path, capsys, monkeypatch, kind):
    """Exit code 2, the place and what is wrong with it; nothing is written."""
    monkeypatch.setenv("WORKBENCH_REJECTED", str(tmp_path / "aside"))
    written, message = WRONG[kind]
    (tmp_path / "orders.csv").write_text("id,who,at,eur\n1,a,2024-01-01,5\n2,b,2024-01-02,6\n")
    (tmp_path / "m.yml").write_text(written)
    before = sorted(tmp_path.iterdir())
    code = cli.main(["check", str(tmp_path / "orders.csv"), "--mapping", str(tmp_path / "m.yml")])
    told = capsys.readouterr().err
    assert code == 2 and message in told, told
    assert all(len(line) < 500 for line in told.splitlines()) and len(told.splitlines()) <= 2
    assert sorted(tmp_path.iterdir()) == before
