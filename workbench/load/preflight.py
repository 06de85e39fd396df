"""A look at a file before it is read whole: does it have the columns its mapping names?"""

from workbench.errors import InputError, unknown
from workbench.load import questions
from workbench.load.guessing.peek import peek


class Look:
    """What a look at the head of a file shows of a mapping."""

    def __init__(self, path, mapping):
        self.mapping = mapping
        self.peek = None if set(mapping) & {"files", "query"} else _peek(path, mapping)

    def check_columns(self):
        """Raise an InputError that names a column the file does not have, and the nearest one.

        Where no column of the mapping is there, the head was taken for another than it is, and
        the loader judges.
        """
        if self.peek is None:
            return
        present = {_plain(name): name for name in self.peek.columns}
        named = list(dict.fromkeys(sources(self.mapping)))
        missing = [name for name in named if _plain(name) not in present]
        if missing and len(missing) < len(named):
            raise unknown(str(self.peek.path), "column", missing[0], self.peek.names)

    def values(self, column):
        """Return what a canonical column holds, where the file was seen whole; else None."""
        source = self.mapping["columns"].get(column)
        block = self.mapping.get("unpivot", {})
        if block and source == block.get("item", "item"):
            return block.get("columns")
        if self.peek is None or not self.peek.whole or not isinstance(source, str):
            return None
        return sorted(set(self.peek.values(source))) or None


def _peek(path, mapping):
    read = mapping.get("read") or {}
    try:
        return None if "query" in read else peek(path, read)
    except (InputError, LookupError, ValueError, OSError):
        return None


def _plain(name):
    return " ".join(str(name).split())


def sources(mapping):
    """Yield the columns of the file a mapping names; not those that it makes itself."""
    made = set()
    if block := mapping.get("unpivot"):
        made |= {block.get("item", "item"), block.get("value", "value"), questions.COLUMN}
        yield from block.get("columns") or block["except"]
    if block := mapping.get("explode"):
        made |= set(block["keep"])
    for expression in mapping["columns"].values():
        yield from (name for name in _names(expression) if name not in made)
    for rule in mapping.get("reject", ()):
        if rule["column"] not in made:
            yield rule["column"]
    if block := mapping.get("fill_down"):
        yield from (*block["columns"], block["within"])
    yield from mapping.get("events", {}).values()


def _names(expression):
    """Yield the columns an expression names."""
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, list):
        for part in expression:
            yield from _names(part)
    elif isinstance(expression, dict) and "value" not in expression:
        for key, part in expression.items():
            if key not in ("separator", "codes", "other", "unit"):
                yield from _names(part)
