"""A notebook ends with its answers: each sentence once, with its grade, in the language in use."""

from workbench import reports, retention, simulate
from workbench.display import speaking


def test_answers_stand_in_one_list_with_their_grade():
    """A Result, one a source, and one that could not be answered."""
    market = simulate.market(300, seed=1)
    found = retention.repeat_rate(market["orders"], windows=["30D"])
    none = reports.attempt(retention.repeat_rate, market["orders"].iloc[:0])
    ended = reports.conclusion(found, {"a": found}, none)
    assert [text for text, _ in ended.lines()] == [str(found.answer)] * 2
    assert {grade for _, grade in ended.lines()} == {"descriptive, simulated"}
    assert ended._repr_html_().count("<li>") == 2
    with speaking("nl"):
        assert ended.lines()[0][1] == "beschrijvend, gesimuleerd"


def test_nothing_found_is_no_line():
    """A notebook on data too few for anything ends with an empty list, not with an error."""
    orders = simulate.market(50, seed=1)["orders"].iloc[:0]
    none = reports.attempt(retention.time_to_repurchase, orders)
    assert not reports.conclusion(none, None).lines()
