"""Dutch that an editor would send back: forms of address, half English, wrong plurals, by kind."""

import re

import pytest
import yaml
from babel.messages.pofile import read_po

from workbench import display, load, project

ROOT = project.root()
CATALOGUES = [
    ROOT / "workbench/locale/nl.po",
    *sorted((ROOT / "notebooks/nl").glob("*.po")),
]
# What is wrong wherever it stands, and what is written instead.
NEVER = {
    r"\b[Uu]w\b|\bvoordat u\b|\bdie u\b|\bBedoelt u\b": "je, jouw",
    r"\b[Mm]en (kan|moet|zou|mag|wil)\b": "je, of de lijdende vorm",
    r"\blaadrapport": "laadverslag",
    r"\bwerkbank\b": "workbench",
    r"\blog-likelihood\b|\bmaximum likelihood\b": "aannemelijkheid",
    r"\bstandaarddeviatie": "standaardafwijking",
    r"\bdeelnut(ten)?\b": "deelnutwaarde(n)",
    r"\bminimums\b": "minima",
    r"\bde duren\b|\bn\} duren\b": "looptijden",
    r"\bSIMULATED\b": "GESIMULEERD",
    r"\bmismatch\b|\brecensie": "verschil, review",
    r"\bcouponactie": "bonnenactie",
    r"\bdoor het lot toegewezen": "willekeurig toegewezen",
    r"\b[Mm]et haar kaart\b": "een kaart",
}


def texts(path):
    """Every Dutch text of a catalogue, code and placeholders left out."""
    with path.open("rb") as stream:
        for message in read_po(stream):
            for text in message.string if isinstance(message.string, tuple) else (message.string,):
                if message.id and text:
                    yield re.sub(r"`[^`]*`|‘[^’]*’", "", text)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: p.stem)
def test_words_an_editor_would_change(path):
    """None of them stands in any catalogue."""
    found = [
        f"{wrong!r} ({instead}): {text[:80]}"
        for text in texts(path)
        for wrong, instead in NEVER.items()
        if re.search(wrong, text)
    ]
    assert found == []


@pytest.mark.parametrize("path", CATALOGUES[1:], ids=lambda p: p.stem)
def test_quotation_marks_in_prose(path):
    """Prose quotes ‘so’; straight marks are for code."""
    assert [t[:80] for t in texts(path) if re.search(r'"\w[^"\n]*"', t)] == []


@pytest.mark.parametrize("card", sorted(p.stem for p in (ROOT / "data/cards").glob("*.yml")))
def test_cards_are_dutch_throughout(card):
    """No English sentence is left on a card read in Dutch, and no field in one language only."""
    with display.speaking("nl"):
        for field, value in load.card(card).itertuples(index=False):
            if field != "checksum":
                english = r"\b(the|and|from|through|whose|never|unless)\b"
                named = re.sub(
                    r"Journal of [\w &]*|Econometric Analysis|The Complete Journey", "", str(value)
                )
                assert not re.search(english, named), f"{field}: {value}"
    kept = yaml.safe_load((ROOT / f"data/cards/{card}.yml").read_text(encoding="utf-8"))
    assert all(set(v) == {"en", "nl"} for v in kept.values() if isinstance(v, dict))
