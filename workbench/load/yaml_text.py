"""A small YAML file as people mean it: `on` and `no` are words, a key stands once.

YAML 1.1, as the library reads it, takes `on:` for true, 12:30 for 750 and 010 for 8, keeps the
last of two equal keys, and lets a few lines stand for millions; a mapping wants none of these.
"""

from pathlib import Path

from workbench.errors import InputError
from workbench.notes import Note

LARGEST = 1_000_000  # bytes of a mapping
DEEPEST = 40  # blocks within blocks
TOO_LARGE = Note("load.yaml_large", "larger than {most} bytes", most=LARGEST)
TOO_DEEP = Note("load.yaml_deep", "more than {most} blocks within each other", most=DEEPEST)
ALIAS = Note("load.yaml_alias", "anchors and aliases (& and *) are not read")
TWICE = Note("load.yaml_twice", "line {line}: the key '{key}' stands twice", line=0, key="")
NO_KEY = Note("load.yaml_key", "line {line}: a key must be a text", line=0)
AT = Note("load.yaml_at", "line {line}, column {column}: {problem}", line=0, column=0, problem="")
NOT_UTF8 = Note("load.yaml_encoding", "it is not UTF-8")


def read(path):
    """Return what a YAML file holds. Raises InputError where it is none, with the line."""
    path = Path(path)
    if path.stat().st_size > LARGEST:
        raise _unreadable(path, TOO_LARGE)
    try:
        return parse(path.read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError:
        raise _unreadable(path, NOT_UTF8) from None


def parse(text, name="mapping"):
    """Return what YAML text holds; see `read`."""
    import yaml

    try:
        _check_shape(yaml, text, name)
        return yaml.load(text, _loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        if mark is not None:
            problem = AT.having(line=mark.line + 1, column=mark.column + 1, problem=problem)
        raise _unreadable(name, problem) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(name, (str(error) or "–").splitlines()[0]) from None


def _unreadable(name, problem):
    return InputError(
        "load.error_mapping_yaml",
        "{source}: not readable as YAML ({error})",
        source=str(name),
        error=problem,
    )


def _check_shape(yaml, text, name):
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _unreadable(name, ALIAS)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _unreadable(name, TOO_DEEP)


# Words that are no text: all others are.
_PLAIN = {
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "int": (r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    "float": (r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
}


def flow(value):
    """Return a value as YAML on one line.

    >>> flow({"file": "items", "on": ["Prijs: netto"]})
    "{file: items, on: ['Prijs: netto']}"
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Plain values as `read` takes them."""

        yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - the library's own class attribute

    _teach(Dumper)
    text = yaml.dump(
        value,
        None,
        Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=10**9,
        sort_keys=False,
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _teach(reader):
    import re

    for tag, (form, first) in _PLAIN.items():
        reader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(form), list(first))


def _loader():
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.2's plain values, and no key twice."""

        yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - the library's own class attribute

        def construct_mapping(self, node, deep=False):
            seen = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                line = key_node.start_mark.line + 1
                if isinstance(key, (list, dict, set)):
                    raise ValueError(str(NO_KEY.having(line=line)))
                if key in seen:
                    raise ValueError(str(TWICE.having(line=line, key=str(key))))
                seen.add(key)
            return super().construct_mapping(node, deep=deep)

    _teach(Loader)
    return Loader
