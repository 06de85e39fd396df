"""A mapping with a mistake is told so in a line: where, what was found, the nearest name."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import load, project
from workbench.display import speaking
from workbench.errors import InputError
from workbench.load import model, yaml_text
from workbench.load.time_formats import DIRECTIVES, time_format_problem

ORDERS = {
    "table": "orders",
    "columns": {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "eur"},
    "zone": "UTC",
}
WITH = {**ORDERS["columns"]}
MISTAKES = [
    ({"tabel": "orders"}, "mapping: no key named 'tabel'. Did you mean 'table'?"),
    ({"read": {"delimeter": ";"}}, "mapping, read: no key named 'delimeter'. Did you mean"),
    ({"read": {"delimiter": 5}}, "read, delimiter: a text is needed, found 5"),
    ({"read": {"delimiter": [","]}}, "read, delimiter: a text is needed"),
    ({"read": {"delimiter": ""}}, "read, delimiter: one character is needed"),
    ({"read": {"encoding": 5}}, "read, encoding: a text is needed"),
    ({"read": {"encoding": "a\0b"}}, r"read, encoding: no such encoding.*found 'a\\x00b'"),
    ({"read": {"encoding": "base64"}}, "read, encoding: no such encoding"),
    ({"read": {"skip_rows": -1}}, "skip_rows: a whole number of 0 or more is needed, found -1"),
    ({"read": {"skip_rows": True}}, "skip_rows: a whole number is needed, found True"),
    ({"read": {"skip_rows": 1.5}}, "skip_rows: a whole number is needed"),
    ({"read": {"format": "cvs"}}, "Did you mean 'csv'"),
    ({"read": "csv"}, "mapping, read: a block of keys is needed, found 'csv'"),
    ({"read": {"sheet": []}}, "read, sheet: a list or block that is not empty"),
    ({"reject": ["x"]}, "reject, 1: a block of keys is needed, found 'x'"),
    ({"reject": {"column": "a"}}, "reject: a list is needed"),
    ({"reject": [{"column": ["a"], "missing": True}]}, "reject, 1, column: a text is needed"),
    ({"reject": [{"column": "a", "missing": True, "reason": ["x"]}]}, "reason: a text is needed"),
    ({"reject": [{"column": "a", "at_most": "5"}]}, "at_most: a finite number is needed"),
    ({"reject": [{"column": "a", "at_most": True}]}, "at_most: a finite number is needed"),
    ({"reject": [{"column": "a", "at_least": float("nan")}]}, "a finite number is needed"),
    ({"reject": [{"column": "a"}]}, "one of missing, equals"),
    ({"reject": [{"column": "a", "equals": 1, "at_most": 2}]}, "one of missing, equals"),
    ({"reject": [{"column": "a", "one_of": "b"}]}, "one_of: a list is needed"),
    ({"reject": [{"column": "a", "missing": "yes"}]}, "missing: true or false is needed"),
    ({"reject": [{"column": "a", "equals": 1, "whole": "ordr_id"}]}, "Did you mean 'order_id'"),
    ({"columns": {**WITH, "amount": {"multiply": [["eur"], {"a": 1}]}}}, "multiply, 1: a text"),
    ({"columns": {**WITH, "amount": {"multiply": ["a", 1.21]}}}, r"write `\{value: 1.21\}`"),
    ({"columns": {**WITH, "amount": {"times": ["a", "b"]}}}, "no expression named 'times'"),
    ({"columns": {**WITH, "amount": {"subtract": ["a"]}}}, "subtract: a list"),
    ({"columns": {**WITH, "order_id": {"multiply": ["a", "b"]}}}, "gives a number, and 'order_id'"),
    ({"columns": {**WITH, "amount": {"epoch": "a", "unit": "s"}}}, "gives a moment, and 'amount'"),
    ({"columns": {**WITH, "ordered_at": {"epoch": "a"}}}, "`unit:` is needed"),
    ({"columns": {**WITH, "ordered_at": {"epoch": "a", "unit": "m"}}}, "unit: no option named 'm'"),
    ({"columns": {**WITH, "channel": {"lower": {"trim": [3]}}}}, "lower, trim: a text is needed"),
    ({"columns": {**WITH, "channel": {}}}, "use a column name or one expression"),
    ({"columns": {**WITH, "channel": None}}, "channel: a text is needed, found None"),
    ({"columns": {**WITH, "chanel": "x"}}, "Did you mean 'channel'"),
    ({"columns": {**WITH, "channel": {"recode": "a", "codes": {}}}}, "codes: a list or block"),
    ({"columns": {"order_id": "id"}}, "also needs customer_id, ordered_at, amount"),
    ({"columns": []}, "columns: a block of keys is needed"),
    ({"table": "order"}, "Did you mean 'orders'"),
    ({"table": ["orders"]}, "table: a text is needed"),
    ({"zone": "Europe/Amsterdm"}, "is no time zone name"),
    ({"zone": 1}, "zone: a text is needed"),
    ({"currency": ["EUR"]}, "currency: a text is needed"),
    ({"require": ["channel"]}, "mapping, require: no column named 'channel'"),
    ({"ignore_case": ["channel"]}, "mapping, ignore_case: no column named 'channel'"),
    ({"missing": "NA"}, "missing: a list is needed"),
    ({"duplicates": "dorp"}, "Did you mean 'drop'"),
    ({"incomplete": "yes"}, "Present: reject, keep"),
    ({"files": {"a": 1}}, "files, a: a block of keys is needed"),
    ({"files": {"a": {"pth": "x"}}}, "Did you mean 'path'"),
    ({"files": {"a": "x", "b": "y"}}, "need `join:` or one `query:`"),
    ({"join": [{"file": "b", "on": "id"}]}, "`files:` is needed"),
    ({"files": {"a": "x", "b": "y"}, "join": [{"file": "c", "on": "id"}]}, "no file named 'c'"),
    ({"files": {"a": "x"}, "join": [], "query": "select 1"}, "not both"),
    ({"unpivot": {}}, "`columns:` or `except:`"),
    ({"fill_down": ["a"]}, "fill_down: a block of keys is needed"),
    ({"explode": {"column": "a"}}, "`keep:` is needed"),
    ({"events": {}}, "events: a list or block that is not empty"),
    ({3: 4}, "no key named '3'"),
    ({True: 4}, "no key named"),
]
GOOD = [
    {"read": {"delimiter": "\\t", "quote": "none", "decimal": ",", "sheet": ["a", "b"]}},
    {
        "columns": {**WITH, "ordered_at": {"date": "d", "time": "t"}},
        "time_format": "%d-%m-%Y %H:%M",
    },
    {"columns": {**WITH, "amount": {"subtract": ["total", {"value": 5}]}}},
    {"columns": {**WITH, "channel": {"recode": "c", "codes": {1: "web"}, "other": "keep"}}},
    {"columns": {**WITH, "channel": {"concat": ["a", {"lower": "b"}], "separator": "/"}}},
    {"files": {"a": "a.csv", "b": {"path": "b.csv"}}, "join": [{"file": "b", "on": ["x", "y"]}]},
    {"reject": [{"column": "status", "one_of": ["void", 7, True], "whole": "order_id"}]},
    {"fill_down": {"columns": ["Email"], "within": "Name"}, "missing": ["NA"]},
    {"incomplete": "keep", "ignore_case": ["customer_id"]},
]


def mapping(change):
    """The mapping of orders with a change."""
    return {**ORDERS, **change}


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_every_mistake_is_a_line(change, message):
    """A wrong key or type, wherever it stands: one line each, in both languages."""
    with pytest.raises(InputError, match=message) as caught:
        load.read_mapping(mapping(change))
    lines = str(caught.value).splitlines()
    assert len(lines) == len(getattr(caught.value, "problems", [1]))
    assert all(line.startswith("mapping") and len(line) < 420 for line in lines)
    with speaking("nl"):
        assert str(caught.value) != "\n".join(lines)


def test_all_mistakes_are_said_at_once():
    """Two wrong keys are two lines."""
    with pytest.raises(InputError) as caught:
        load.read_mapping(mapping({"tabel": 1, "read": {"shet": 1}}))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("change", GOOD)
def test_the_vocabulary(change):
    """What is right is taken as it stands, and reading it again changes nothing."""
    once = load.read_mapping(mapping(change))
    assert load.read_mapping(once) == once
    for key in change:
        assert key in once


def test_what_is_not_given_is_not_there():
    """Only the keys somebody wrote come back; an open line counts as none."""
    assert load.read_mapping(mapping({"read": None})) == ORDERS


@pytest.mark.parametrize("letter", [chr(n) for n in range(33, 127)])
def test_every_directive_of_a_time_format(letter):
    """A letter is a part of a time, or is named with the likely one."""
    problem = time_format_problem(f"%Y-%m-%d %{letter}")
    if letter not in (*DIRECTIVES, "-"):
        assert f"'%{letter}' is no part of a time" in str(problem)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("%s", "Did you mean '%S'"),
        ("%d-%m-%Y %H:%m", "'%m' and '%m' are the same"),
        ("dd-mm-yyyy", "a form such as"),
        ("%H:%M", "a day needs its year"),
        ("%Y-%m", "a day needs its year"),
        ("%d-%m-%Y %I:%M", "needs '%p'"),
        ("%d-%m-%Y %", "'%' is no part"),
        ("", "a form such as"),
    ],
)
def test_a_slip_in_a_time_format(form, message):
    """What the form cannot mean is said before a file is read."""
    assert message in str(time_format_problem(form))
    with pytest.raises(InputError, match="time_format"):
        load.read_mapping(mapping({"time_format": form}))


@pytest.mark.parametrize(
    "form",
    ["%d-%m-%Y %H:%M", "%Y%m%d", "%m/%d/%y %I:%M:%S %p", "%Y-%j", "%-d %B %Y", "%d/%m/%Y %%"],
)
def test_forms_that_are_used(form):
    """What people write is taken."""
    assert time_format_problem(form) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: x", {"on": "x"}),
        ("a: no", {"a": "no"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 010", {"a": "010"}),
        ("a: 2024-01-01", {"a": "2024-01-01"}),
        ("a: true\nb: -3\nc: 1.5\nd:\ne: ~", {"a": True, "b": -3, "c": 1.5, "d": None, "e": None}),
        ("a: 1_000", {"a": "1_000"}),
        ('a: "5"', {"a": "5"}),
    ],
)
def test_yaml_as_people_mean_it(text, value):
    """`on` is a word, 010 is no 8, a day is the text that stands there."""
    assert yaml_text.parse(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 50_000, "more than 40 blocks"),
        ("a: " * 3000, "line 1"),
        ("a: &x [1]\nb: *x", "anchors and aliases"),
        ("a: &x [*x]", "anchors and aliases"),
        ("a: 1\na: 2", "line 2: the key 'a' stands twice"),
        ("? [a]\n: b", "a key must be a text"),
        ("? {a: 1}\n: b", "a key must be a text"),
        ("a: !!python/object:os.system x", "line 1"),
        ("a: [1", "line"),
        ("a: 1\n---\nb: 2", "line"),
        ("a: \x07", "not readable"),
        ("a: " + "9" * 5000, "not readable"),
    ],
)
def test_yaml_that_is_none(text, message):
    """Deep, endless, double or dangerous: one clear line."""
    with pytest.raises(InputError, match=message) as caught:
        yaml_text.parse(text)
    assert len(str(caught.value).splitlines()) == 1


def test_bytes_that_are_no_text(tmp_path):
    """A picture or another encoding is no mapping; too large a file is none either."""
    for content in (b"\xff\xfe\x00", b"table: caf\xe9", b"#" * 2_000_000):
        (tmp_path / "a.yml").write_bytes(content)
        with pytest.raises(InputError, match="not readable as YAML"):
            load.read_mapping(tmp_path / "a.yml")


WORDS = st.sampled_from(
    [*model.Mapping.model_fields, *model.EXPRESSIONS, *model.Read.model_fields, "orders", "", "all"]
    + [*model.Rule.model_fields, "except", "a\x1b[31m", "order_id"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.integers(0, 2) | st.booleans(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from([*model.Mapping.model_fields, "x"]), value=ANYTHING)
def test_nothing_ends_in_a_traceback(key, value):
    """Whatever stands behind a key: a mapping, or lines that say what is wrong."""
    try:
        read = load.read_mapping({**ORDERS, key: value})
    except InputError as error:
        assert str(error)
    else:
        assert load.read_mapping(read) == read


@settings(max_examples=60, deadline=None)
@given(value=ANYTHING)
def test_no_mapping_at_all(value):
    """Anything in place of a mapping."""
    if isinstance(value, dict):
        with pytest.raises(InputError):
            load.read_mapping(value)


def test_a_dictionary_without_end():
    """A block that holds itself, or holds a thousand others."""
    endless = {}
    endless["lower"] = endless
    deep = "a"
    for _ in range(2000):
        deep = {"lower": deep}
    for value in (endless, deep):
        with pytest.raises(InputError):
            load.read_mapping(mapping({"columns": {**WITH, "channel": value}}))


def test_the_shipped_schema_is_that_of_the_model():
    """`python -m workbench.load.model` writes it anew."""
    assert json.loads(model.SCHEMA.read_text(encoding="utf-8")) == model.json_schema()


@pytest.mark.parametrize("change", [{}, *GOOD])
def test_schema_and_model_take_the_same(change):
    """What the model takes, an editor does not underline."""
    written = json.loads(json.dumps(mapping(change)))
    jsonschema.validate(written, model.json_schema())


# What only the model knows: names of zones, encodings and directives, and what hangs together.
ONLY_THE_MODEL = ("zone", "time_format", "require", "ignore_case", "files", "join")


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_schema_and_model_refuse_the_same(change, message):
    """What the model refuses by form, an editor underlines too."""
    if any(key in ONLY_THE_MODEL for key in change) or not all(isinstance(k, str) for k in change):
        return
    text = json.dumps(mapping(change))
    if "NaN" in text or "base64" in text or "ordr_id" in text or "u0000" in text:
        return
    if change == {"columns": {**WITH, "channel": None}} or "gives" in message:
        return
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(text), model.json_schema())


def test_examples_name_the_schema():
    """Every worked example tells editors where the schema is, and the place is right."""
    examples = sorted((project.root() / "data/mappings").glob("*.yml"))
    assert examples
    for example in examples:
        first = example.read_text(encoding="utf-8").splitlines()[0]
        mark = "# yaml-language-server: $schema="
        assert first.startswith(mark), example
        assert (example.parent / first.removeprefix(mark)).resolve() == model.SCHEMA
        jsonschema.validate(yaml_text.read(example), model.json_schema())
