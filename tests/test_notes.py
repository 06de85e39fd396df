"""Notes: a fact and its sentence, shown in the language of the moment; the catalogue is whole."""

import ast
import datetime
import json
import subprocess
import sys
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import words
from hypothesis import given
from hypothesis import strategies as st

from workbench import notes, reports, results, stages
from workbench.display import (
    header,
    number,
    percent,
    render,
    speaking,
    tables,
    use,
    vocabulary,
    word,
)
from workbench.display.languages import naming
from workbench.errors import DataError, InputError, at_least, unknown
from workbench.notes import Note

DUTCH, ENGLISH = words.read("nl"), words.read("en")
SENTENCES = words.sentences()
NAMES = [(m.context, m.id) for m in ENGLISH if m.id]


def test_a_note_speaks_the_language_of_the_moment():
    """One object, two languages; its values stay numbers."""
    note = Note("result.folded", "{n} more row", "{n} more rows", n=np.int64(1200))
    assert str(note) == "1,200 more rows"
    with speaking("nl"):
        assert str(note) == "nog 1.200 rijen"
    assert list(note.facts()) == [("result.folded", "n", 1200)]


def test_every_form_writes_its_value():
    """Numbers, shares, p-values, durations, dates, names, lists and notes within notes."""
    note = Note(
        "demo",
        "{n} {x:3} {s:%} {p:p} {w:span} {d:date} {measure:word} {l} {m} {t:text}",
        n=1234,
        x=0.12345,
        s=0.5,
        p=1e-9,
        w="90D",
        d=datetime.date(2025, 3, 1),
        measure="conf_low",
        l=[1, 2.5],
        m=Note("inner", "{a}", a=7),
        t="as it is",
    )
    assert str(note) == "1,234 0.123 50.0 % <0.001 90 days 1 March 2025 low 1, 2.500 7 as it is"
    assert ("inner", "a", 7) in list(note.facts())
    with speaking("nl"):
        assert str(note).startswith("1.234 0,123 50,0 % <0,001 90 dagen 1 maart 2025")


def test_one_and_many():
    """One customer waits, two wait."""
    for n, verb in ((1, "waits"), (2, "wait"), (0, "wait")):
        one = Note("demo.waits", "{n} customer waits", "{n} customers wait", n=n)
        assert str(one).endswith(verb)


def test_a_note_survives_json():
    """Written out and read back it is the same note."""
    note = Note("a", "{b} {c}", b=1.5, c=[Note("d", "{e}", e="x")])
    assert notes.from_dict(json.loads(json.dumps(note.to_dict()))) == note


def through_json(note):
    """The note as it comes back from a file, in JSON that any reader takes."""
    return notes.from_dict(json.loads(json.dumps(note.to_dict(), allow_nan=False)))


ZONED = datetime.datetime(2025, 3, 1, 12, tzinfo=ZoneInfo("Europe/Amsterdam"))
MOMENTS = [
    datetime.date(2025, 3, 1),
    datetime.datetime(2025, 3, 1, 12, 0, 0, 5),
    ZONED,
    datetime.time(3, 30),
    datetime.timedelta(days=2, microseconds=7),
    pd.Timestamp("2025-03-01"),
    pd.Timestamp("2025-07-01 12:00", tz="Europe/Amsterdam"),
    pd.Timestamp("2025-07-01 12:00", tz="UTC"),
    pd.Timedelta("90min"),
    pd.Period("2025-03", "M"),
    Decimal("12.50"),
    float("nan"),
    float("inf"),
    float("-inf"),
    None,
    True,
    1,
    "2025-03-01",
]


@pytest.mark.parametrize("value", MOMENTS, ids=repr)
def test_a_value_comes_back_with_its_type(value):
    """Alone, in a list and in a note within."""
    note = Note("d", "{a} {b} {c}", a=value, b=[value], c=Note("e", "{x}", x=value))
    back = through_json(note)
    assert type(back.values["a"]) is type(value) and back == note
    assert str(back) == str(note) and back.values["c"] == note.values["c"]


@pytest.mark.parametrize("value", MOMENTS, ids=repr)
def test_a_note_equals_its_copy_and_nothing_else(value):
    """A date is not its text, True is not 1; what is not a number is itself."""
    note = Note("d", "{a}", a=value)
    assert note == Note("d", "{a}", a=value) and note == note.having()
    for other in [*MOMENTS, str(value), "1", 0, False, [value]]:
        alike = type(other) is type(value) and repr(other) == repr(value)
        assert (Note("d", "{a}", a=other) == note) == alike, other
    assert Note("d", "{a}", a=1) == Note("d", "{a}", a=1.0)


def test_numpy_and_pandas_become_plain():
    """Scalars, arrays and what is missing, in either way of saying so."""
    note = Note(
        "d",
        "{a}",
        a=[np.int8(1), np.float32(0.5), np.bool_(True), np.str_("x"), pd.NA, pd.NaT],
        day=np.datetime64("2025-03-01", "ns"),
        span=np.timedelta64(90, "m"),
        days=np.array(["2025-03-01"], "datetime64[ns]"),
        long=np.longdouble(1.5),
    )
    assert note.values["a"] == [1, 0.5, True, "x", None, None]
    assert type(note.values["a"][2]) is bool and type(note.values["a"][3]) is str
    assert note.values["day"] == note.values["days"][0] == pd.Timestamp("2025-03-01")
    assert note.values["span"] == pd.Timedelta("90min") and type(note.values["long"]) is float
    assert through_json(note) == note


@given(st.sets(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.dates())))
def test_a_set_has_one_order(parts):
    """Whatever it holds, and in whatever order it was filled."""
    one, two = Note("d", "{a}", a=parts), Note("d", "{a}", a=frozenset(sorted(parts, key=repr)))
    assert one == two and str(one) == str(two) and through_json(one) == one


def test_the_order_of_a_set_is_that_of_any_run():
    """Text hashes differ between runs; what is shown does not."""
    code = "from workbench.notes import Note; print(Note('d', '{a}', a=set('zyxwvut')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "t, u, v, w, x, y, z"


def test_a_saved_result_is_json(tmp_path):
    """With numbers that are none, dates and periods; and comes back with their types."""
    result = results.Result(
        question=Note("d", "{day:date}", day=datetime.date(2025, 3, 1)),
        answer=None,
        table=pd.DataFrame({"a": [1.0]}),
        method=Note("d", "{a} {b}", a=float("nan"), b=float("inf")),
        limits=[Note("d", "{a:span}", a=pd.Timedelta("2h"))],
        unit="customers",
        n=float("nan"),
        chart=None,
    )
    result.save(tmp_path)

    def refuse(literal):
        raise AssertionError(literal)

    json.loads((tmp_path / "result.json").read_text(), parse_constant=refuse)
    back = results.read(tmp_path)
    assert (back.question, back.method, back.limits) == (
        result.question,
        result.method,
        result.limits,
    )
    assert back.n != back.n and back.question != Note("d", "{day:date}", day="2025-03-01")


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize(
    "n", [float("nan"), None, float("inf"), pd.NA, pd.NaT, "<10", 1.5, -1, 0, np.int64(2)]
)
def test_anything_but_one_is_many(language, n):
    """In both languages, what is no number too; one is one in any type."""
    few = Note("span.day", "{n} day", "{n} days", n=n)
    with speaking(language):
        assert str(few).endswith({"en": " days", "nl": " dagen"}[language])
        for one in (1, 1.0, np.int64(1), Decimal(1)):
            assert str(few.having(n=one)) == {"en": "1 day", "nl": "1 dag"}[language]


def test_money_within_notes_has_its_currency():
    """In a note within, in a list, and in the sentence for many alone."""
    inner = Note("d", "worth {amount:money}", amount=2)
    only_many = Note("d", "one order", "{n} orders worth {amount:money}", n=3, amount=2)
    note = Note("d", "{a}; {b}; {c}", a=inner, b=[inner, "x"], c=only_many).priced("EUR")
    assert str(note) == "worth €2.00; worth €2.00, x; 3 orders worth €2.00"

    @results.analysis
    def worth(orders):
        said = Note("d", "{a}", a=inner)
        return results.Result(
            question=inner,
            answer=said,
            method=only_many,
            limits=[said],
            table=orders,
            unit="orders",
            n=50,
        )

    made = worth(pd.DataFrame({"currency": ["EUR"]}))
    for said in (made.question, made.answer, made.method, *made.limits):
        assert "€2.00" in str(said)


def test_errors_speak_throughout():
    """The word for nothing and the headings of problems too."""
    with pytest.raises(InputError) as caught:
        at_least("steps", [], ["buy"], 1)
    problems = pd.DataFrame({"reason": ["no date"], "rows": [3], "example": ["x"]})
    error = DataError(Note("d", "{n} refused", n=3), problems)
    assert "found none." in str(caught.value) and "reason" in str(error)
    with speaking("nl"):
        assert "none" not in str(caught.value) and "geen" in str(caught.value)
        assert str(error).splitlines()[1].split() == ["reden", "rijen", "voorbeeld"]


def test_errors_are_notes():
    """An error carries its values and speaks Dutch to a Dutch reader."""
    error = unknown("steps", "event", "bye", ["buy", "cart"])
    assert isinstance(error, InputError) and error.note.values["near"] == "buy"
    assert str(error) == "steps: no event named 'bye'. Did you mean 'buy'? Present: buy, cart"


def test_users_words_stay_as_they_are():
    """What is no name of ours is shown as it is; a column loses its underscores."""
    assert word("My_Group") == "My_Group" and header("My_Group") == "My Group"


OWN_COLUMNS = (
    "brand",
    "campaign",
    "cause",
    "channel",
    "event",
    "group",
    "label",
    "segment",
    "trigger",
)


@pytest.mark.parametrize("built_in", [False, True])
@pytest.mark.parametrize("column", OWN_COLUMNS)
def test_labels_of_a_user_are_shown_as_they_came(column, built_in):
    """Though each is a name of ours elsewhere, in a table and in a sentence; only what we wrote
    into that column ourselves, such as the total over all groups, and labels of built-in data have
    a word.
    """
    every = [name for context, name in NAMES if context == "word"] + ["maker 3", "constant: a"]
    labels = [name for name in every if not vocabulary.is_ours(name, column)]
    assert len(every) - len(labels) < 30
    table = pd.DataFrame({column: labels, "n": 50})
    sentence = Note("d", f"{{{column}:word}}", **{column: labels})
    for language in ("en", "nl"):
        with speaking(language), naming(built_in):
            shown = tables.shown(table).iloc[:, 0].tolist()
            assert (shown == labels) != built_in
            assert (str(sentence) == ", ".join(labels)) != built_in
            path = tables.shown(pd.DataFrame({column: ["count > median"]})).iloc[0, 0]
            assert (path == "count > median") != built_in or language == "en"


def test_names_of_ours_have_their_word_in_columns_of_ours():
    """A measure is ours, and so is the total among a user's groups; a mark follows the data."""
    with speaking("nl"):
        table = pd.DataFrame({"group": ["all", "count"], "measure": ["median", "count"]})
        assert tables.shown(table).to_numpy().tolist() == [["alle", "mediaan"], ["count", "aantal"]]

        @results.analysis
        def answer(frame):
            return results.Result(
                question=Note("d", "?"),
                answer=Note("d", "{brand:word} leads.", brand="maker 3"),
                method=Note("d", "m"),
                table=frame,
                unit="customers",
                n=50,
            )

        @results.built_in
        def load():
            return pd.DataFrame({"brand": ["maker 3"], "n": [50]})

        ours, own = answer(load()), answer(pd.DataFrame({"brand": ["maker 3"], "n": [50]}))
        assert "fabrikant 3 leads" in repr(ours) and repr(ours).count("maker") == 0
        assert "maker 3 leads" in repr(own) and repr(own).count("fabrikant") == 0
        assert "fabrikant 3" in ours._repr_html_() and "fabrikant" not in own._repr_html_()
        for result, shown in ((ours, "fabrikant 3"), (own, "maker 3")):
            lost = pd.DataFrame({"brand": ["maker 3"], "n": [50]})
            assert shown in repr(reports.table(lost, Note("d", "?"), result))


def test_the_vocabulary_holds_names_of_the_catalogue():
    """What stands in it has a word; the stages are those of the built-in taxonomy."""
    known = {name for context, name in NAMES if context == "word"}
    for column, names in vocabulary.MIXED.items():
        assert names <= known, (column, names - known)
    assert set(stages.taxonomy().stages) <= vocabulary.MIXED["stage"]


def test_the_catalogue_has_every_sentence_and_no_other():
    """Nothing new, nothing stale; `python tests/words.py` brings it up to date."""
    stored = {m.context for m in DUTCH if m.id and m.context not in words.NAMES}
    assert stored == set(SENTENCES)


@pytest.mark.parametrize("area", sorted({id.split(".")[0] for id in SENTENCES}))
def test_dutch_has_the_same_values(area):
    """Every placeholder of the English sentence, in the same form, and no other."""
    for id, (english, many, _) in SENTENCES.items():
        message = DUTCH.get(english, context=id)
        if id.split(".")[0] != area or not message or not message.string:
            continue
        parts = message.string if isinstance(message.string, tuple) else (message.string,)
        for part in parts:
            wanted = [set(notes.slots(text)) for text in (english, many) if text]
            assert set(notes.slots(part)) in wanted, (id, part)


def test_names_are_named_in_both_languages():
    """Every name of a column or code has its Dutch, and Dutch has no other."""
    dutch = {(m.context, m.id): m.string for m in DUTCH if m.context in words.NAMES}
    assert set(dutch) == set(NAMES) and all(dutch.values())


def test_render_takes_text_as_it_is():
    """Text is its own sentence."""
    assert render("as it is") == "as it is"


def test_money_has_its_currency():
    """An amount takes the currency of the table it came from; where that is not known, none."""
    note = Note("demo.worth", "An order is worth {amount:money}.", amount=29.494)
    assert str(note) == "An order is worth 29.49."
    assert str(note.having(currency="EUR")) == "An order is worth €29.49."
    with speaking("nl"):
        assert str(note.having(currency="EUR", amount=12345.6)).endswith("€\xa012.346.")


def test_every_error_is_a_note():
    """No error is English only: each gives an id and a sentence, or a note made elsewhere."""
    english_only = []
    for path in sorted(words.ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            first = node.args[0]
            made_here = isinstance(first, (ast.JoinedStr, ast.BinOp, ast.IfExp))
            alone = words.constant(first) is not None and len(node.args) < 2
            if name in words.SPEAKERS and (made_here or alone):
                english_only.append(f"{path.relative_to(words.ROOT)}:{node.lineno}")
    assert english_only == []


def test_every_sentence_has_its_dutch():
    """The catalogue is complete."""
    assert words.missing() == []


def test_numbers_in_both_styles():
    """1,234.5 in English is 1.234,5 in Dutch; missing is a dash; other languages are refused."""
    with speaking("nl"):
        assert (number(1234.56), percent(0.6561), number(float("nan"))) == ("1.235", "65,6 %", "–")
        assert number(float("inf")) == "∞"
    assert number(0.000012345) == "1.23e-05"
    with pytest.raises(InputError, match="language"):
        use("de")
