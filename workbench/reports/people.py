"""Rows of single people in reports: left out unless asked for, and then with pseudonyms."""

import hashlib
import hmac
import os
import re
import secrets

from workbench.errors import one_of
from workbench.notes import Note

# Columns that name a person, as canonical tables and common exports call them.
COLUMNS = frozenset(
    {
        "account_id",
        "contact",
        "contact_id",
        "customer_id",
        "device_id",
        "email",
        "household_id",
        "phone",
        "respondent_id",
        "user_id",
        "user_pseudo_id",
        "visitor_id",
    }
)
SHOW = ("no", "hashed", "ids")
LEFT_OUT = Note(
    "people.left_out",
    "Rows of single customers are left out here. The parameter show_customers shows them: "
    "'hashed' with pseudonyms, 'ids' as they stand.",
)
_HEAD = re.compile(r"<th[^>]*>\s*([^<]*?)\s*</th>")
# A wide table is printed in parts that end in a backslash, or with its middle left out.
_COLUMN = re.compile(r"\w+|\\|\.\.\.")
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)


def columns_of(frame):
    """Return the columns of a table that name a person."""
    return [name for name in frame.columns if str(name).lower() in COLUMNS]


def guard(frame, show="no"):
    """Return a table fit to be shown, or None where its rows are people and nobody asked for them.

    With "hashed" ids become pseudonyms: a keyed hash, the same in every report of this project and
    worthless without its key.
    """
    one_of("show_customers", show, SHOW)
    named = columns_of(frame)
    if not named or show == "ids":
        return frame
    if show == "no":
        return None
    secret = _key()
    return frame.assign(**{name: [pseudonym(v, secret) for v in frame[name]] for name in named})


def pseudonym(value, secret):
    """Return the pseudonym of one id under a key.

    >>> pseudonym("klant 7", b"key")
    '2790de0b72'
    """
    return hmac.new(secret, str(value).encode(), hashlib.sha256).hexdigest()[:10]


def forget(book):
    """Take tables whose columns name people out of the outputs of an executed notebook, shown or
    printed.
    """
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if _is_printed_table(output.get("text", "")):
                output["text"] = f"{LEFT_OUT}\n"
            data = output.get("data", {})
            markup = data.get("text/html", "")
            kept = _TABLE.sub(_without_people, markup)
            if kept != markup:
                data["text/html"] = kept
            if kept != markup or _is_printed_table(data.get("text/plain", "")):
                data["text/plain"] = str(LEFT_OUT)


def _is_printed_table(text):
    """Say whether a line of a text is a heading of columns of which one names people."""
    return any(
        COLUMNS & set(line.lower().split()) and all(map(_COLUMN.fullmatch, line.split()))
        for line in text.splitlines()
    )


def _without_people(found):
    heads = {text.lower() for text in _HEAD.findall(found.group(0))}
    return f"<p>{LEFT_OUT}</p>" if heads & COLUMNS else found.group(0)


def _key():
    """Return the project's own key, made when it is first needed and readable by its owner only."""
    from workbench.reports.publish import reports_folder

    path = reports_folder() / ".pseudonyms"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as stream:
        stream.write(secret := secrets.token_bytes(32))
    return secret
