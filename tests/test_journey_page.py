"""The journey map on one page: what it holds, in both languages, and what it never shows."""

import pandas as pd
import pytest
from test_exercises import FOLDER, verdict

from workbench import experience, reports, voice
from workbench.display import speaking
from workbench.errors import InputError
from workbench.reports import exercises
from workbench.simulate import affect

SAID = exercises.module(FOLDER, "journey_map").exercises


@pytest.fixture(scope="module")
def felt():
    return affect.journeys(400, seed=3)


@pytest.fixture(scope="module")
def results(felt):
    """A map, a curve and quotes."""
    texts = felt.texts.assign(
        tone=lambda d: d["polarity"].map(lambda p: "negative" if p < 0 else "")
    )
    journey = experience.journey_map(felt.events, felt.surveys, texts)
    quotes = voice.quotes(felt.texts.drop(columns=["polarity", "aspect"]), by="stage", each=2)
    return journey, experience.emotion_curve(felt.surveys, draws=20), quotes


def test_a_page_holds_stages_numbers_and_words(results, tmp_path):
    """Title, stages, touchpoints and opportunity in the language in use; nothing is fetched."""
    page = reports.journey_page(*results)
    assert page.save(tmp_path / "map.html", paper=False).read_text().count("<th") >= 14
    for language, words in (
        ("en", ("The customer journey on one page", "SIMULATED", "search engine", "go on")),
        ("nl", ("De klantreis op één blad", "GESIMULEERD", "zoekmachine", "gaat verder")),
    ):
        with speaking(language):
            markup = page.page.page()
            assert f'lang="{language}"' in markup
            assert all(word in markup for word in words)
            assert "http" not in markup.replace("http://www.w3.org/2000/svg", "")
            view = page._repr_html_()
            assert view.count("<details>") == 6


def test_values_are_never_taken_for_html(results):
    """A touchpoint called like a script is text; few people are not shown."""
    journey, curve, _ = results
    table = journey.table.assign(
        touchpoint=journey.table["touchpoint"].replace("website", "<script>x</script>")
    )
    object.__setattr__(journey, "table", table)
    markup = reports.journey_page(journey, curve).page.page()
    assert "<script" not in markup and "&lt;script" in markup
    object.__setattr__(
        journey,
        "table",
        table.assign(touchpoint=table["touchpoint"].replace("<script>x</script>", "website")),
    )


def test_what_it_cannot_be_made_of_is_refused(results, tmp_path):
    """A curve in the place of the map, another ending."""
    journey, curve, _ = results
    with pytest.raises(InputError, match="touchpoint"):
        reports.journey_page(curve, curve)
    with pytest.raises(InputError, match="html"):
        reports.journey_page(journey, curve).save(tmp_path / "map.pdf")


def test_one_sheet_of_paper(results, tmp_path):
    """A3, and one of it."""
    pytest.importorskip("weasyprint", exc_type=(ImportError, OSError))
    page = reports.journey_page(*results)
    assert page.save(tmp_path / "map.html").suffix == ".pdf"


def test_the_report_that_smiles(felt):
    """The mean of the answers less that of everybody, mistakes recognised."""
    table = pd.DataFrame(
        {
            "group": ["everybody", "answered"],
            "stage": "intent",
            "estimate": [4.0, 4.3],
            "std_error": 0.02,
            "mark": ["lowest_point", ""],
        }
    )
    made = type("Made", (), {"table": table})()
    assert verdict(SAID, 1, 0.3, made) == "right"
    assert verdict(SAID, 1, "0,3", made) == "right"
    assert verdict(SAID, 1, 4.3, made) == "answers"
    assert verdict(SAID, 1, -0.3, made) == "other_way"
    represented = experience.representativeness(felt.events, felt.surveys)
    rows = represented.table.query("measure == 'mean'")
    wide = (rows["bound_high"] - rows["bound_low"]).max()
    assert verdict(SAID, 2, wide, represented) == "right"
    assert verdict(SAID, 2, 17, represented) == "other"
