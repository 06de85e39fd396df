"""Dutch and English from one place: the same keys, the same slots, no key unknown or unused."""

from string import Formatter

import pytest

from workbench import project, texts
from workbench.errors import InputError

EN, NL = texts.catalogue("en"), texts.catalogue("nl")


def slots(text):
    """The names a sentence fills in."""
    return sorted(name for _, name, *_ in Formatter().parse(text) if name)


def test_both_languages_have_the_same_keys_and_slots():
    """A missing translation or a forgotten value fails here."""
    assert set(EN) == set(NL)
    for key in EN:
        assert slots(EN[key]) == slots(NL[key]), key
        assert EN[key] and NL[key], key


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_key_is_a_word(language):
    """YAML reads a bare yes, no, on or off as true or false: such keys would never be found."""
    import yaml

    areas = yaml.safe_load(
        (project.root() / "workbench" / "texts" / f"{language}.yml").read_text(encoding="utf-8")
    )
    for area, entries in areas.items():
        assert isinstance(area, str) and all(isinstance(k, str) for k in entries), (
            area,
            [k for k in entries if not isinstance(k, str)],
        )


def test_numbers_in_both_styles():
    """1,234.5 in English is 1.234,5 in Dutch; missing is a dash, not 0."""
    try:
        texts.use("nl")
        assert (texts.number(1234.56), texts.percent(0.6561), texts.number(float("nan"))) == (
            "1.235",
            "65,6 %",
            "–",
        )
        assert texts.number(float("inf")) == "∞"
    finally:
        texts.use("en")
    assert texts.number(0.000012345) == "1.23e-05"
    with pytest.raises(InputError, match="language"):
        texts.use("de")


def test_catalogues_are_plain_data():
    """No slot does more than name a value."""
    for text in (*EN.values(), *NL.values()):
        for _, name, spec, conversion in Formatter().parse(text):
            assert not spec and not conversion and (name is None or name.isidentifier())
