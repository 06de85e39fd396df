"""Notes: a fact and its sentence, shown in the language of the moment; the catalogue is whole."""

import ast
import datetime
import json

import numpy as np
import pytest
import words

from workbench import notes
from workbench.display import header, number, percent, render, speaking, use, word
from workbench.errors import InputError, unknown
from workbench.notes import Note

DUTCH, ENGLISH = words.read("nl"), words.read("en")
SENTENCES = words.sentences()
NAMES = [(m.context, m.id) for m in ENGLISH if m.id]


def test_a_note_speaks_the_language_of_the_moment():
    """One object, two languages; its values stay numbers."""
    note = Note("result.folded", "{rows} more rows", rows=np.int64(1200))
    assert str(note) == "1,200 more rows"
    with speaking("nl"):
        assert str(note) == "nog 1.200 rijen"
    assert list(note.facts()) == [("result.folded", "rows", 1200)]


def test_every_form_writes_its_value():
    """Numbers, shares, p-values, durations, dates, names, lists and notes within notes."""
    note = Note(
        "demo",
        "{n} {x:3} {s:%} {p:p} {w:span} {d:date} {k:word} {l} {m} {t:text}",
        n=1234,
        x=0.12345,
        s=0.5,
        p=1e-9,
        w="90D",
        d=datetime.date(2025, 3, 1),
        k="conf_low",
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


def test_errors_are_notes():
    """An error carries its values and speaks Dutch to a Dutch reader."""
    error = unknown("steps", "event", "bye", ["buy", "cart"])
    assert isinstance(error, InputError) and error.note.values["near"] == "buy"
    assert str(error) == "steps: no event named 'bye'. Did you mean 'buy'? Present: buy, cart"


def test_users_words_stay_as_they_are():
    """What is no name of ours is shown as it is; a column loses its underscores."""
    assert word("My_Group") == "My_Group" and header("My_Group") == "My Group"


def test_the_catalogue_has_every_sentence_and_no_other():
    """Nothing new, nothing stale; `python tests/words.py` brings it up to date."""
    stored = {m.context for m in DUTCH if m.id and m.context not in ("word", "header")}
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
    dutch = {(m.context, m.id): m.string for m in DUTCH if m.context in ("word", "header")}
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
