"""A look at a file before it is read whole: does it have the columns its mapping names?"""

from workbench.errors import InputError, unknown
from workbench.load import questions, together
from workbench.load.guessing.peek import peek


class Look:
    """What a look at the head of a file, or of each of several, shows of a mapping."""

    def __init__(self, path, mapping):
        self.mapping, self.path = mapping, path
        self.peeks = _peeks(path, mapping)
        self.peek = self.peeks.get("")

    def check_columns(self):
        """Raise an InputError that names a column the file does not have, and the nearest one.

        Where no column of the mapping is there, the head was taken for another than it is, and
        the loader judges.
        """
        if not self.peeks:
            return
        self._check_joins()
        known = [name for name, found in self.peeks.items() for name in _names_of(name, found)]
        present = set(map(_plain, known))
        named = list(dict.fromkeys(sources(self.mapping)))
        missing = [name for name in named if _plain(name) not in present]
        if missing and len(missing) < len(named):
            where = self.path if self.peek else "mapping, columns"
            raise unknown(str(where), "column", missing[0], known)

    def _check_joins(self):
        """Raise an InputError for a key that a file, or those before it, does not have."""
        known = _names_of(*next(iter(self.peeks.items())))
        for join in self.mapping.get("join") or ():
            own = self.peeks[join["file"]]
            for key in join["on"] if isinstance(join["on"], list) else [join["on"]]:
                if key not in known:
                    raise unknown("mapping, join", "column", key, known)
                if key not in own.names:
                    raise unknown(f"mapping, join, {join['file']}", "column", key, own.names)
            known += _names_of(join["file"], own)

    def values(self, column):
        """Return what a canonical column holds, where the file was seen whole; else None."""
        source = self.mapping["columns"].get(column)
        block = self.mapping.get("unpivot", {})
        if block and source == block.get("item", "item"):
            return block.get("columns")
        if self.peek is None or not self.peek.whole or not isinstance(source, str):
            return None
        return sorted(set(self.peek.values(source))) or None


def _peeks(path, mapping):
    """Return the heads of a mapping's files by their names; none where one cannot be looked into,
    or a query makes the columns.
    """
    read = mapping.get("read") or {}
    if "query" in mapping or "query" in read:
        return {}
    try:
        if "files" not in mapping:
            return {"": peek(path, read)}
        found = together.paths(mapping, together.folder_of(path))
        told = {n: {} if isinstance(f, str) else f for n, f in mapping["files"].items()}
        return {name: peek(found[name], one.get("read") or {}) for name, one in told.items()}
    except (InputError, LookupError, ValueError, OSError):
        return {}


def _names_of(name, found):
    """Return what the columns of a file may be called: of several, by the name of the file too."""
    return [*found.names, *(f"{name}.{column}" for column in found.names if name)]


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
