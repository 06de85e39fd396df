"""Every public function, with every argument it documents, on ordinary tables and on tables that
go wrong: an answer that can be shown, or one clear sentence.
"""

import inspect

import pytest
from calls import CALLS, ROOMS
from hostile import CODED, PLAIN, changed, outcome, tables

# A second or more each.
LONG = {
    "attribution.marketing_mix",
    "clv.bg_nbd",
    "clv.mbg_nbd",
    "clv.pareto_nbd",
    "drivers.structural",
    "experience.hidden_answers",
    "experience.latent_curve",
    "prediction.forecast",
    "stages.purchase_propensity",
    "stages.contrast_in_market",
    "stages.fit_latent",
    "stages.rule_posterior",
    "stages.stage_logit",
    "stages.world_score",
}
# An empty table and one without ids are tried everywhere on every run; the others when all is.
QUICK = ("empty", "all_missing")


def each(names):
    """The names as parameters, long ones marked."""
    return [pytest.param(n, marks=pytest.mark.slow if n in LONG else ()) for n in names]


def public():
    """Yield the name and the function of everything the rooms offer."""
    for room in ROOMS:
        for name in room.__all__:
            function = getattr(room, name)
            if inspect.isfunction(function):
                yield f"{room.__name__.split('.')[-1]}.{name}", function


def test_every_function_is_called_with_every_argument():
    """A function, or an argument, that is not tried here would escape what follows."""
    assert {name for name, _ in public()} == set(CALLS)
    for name, function in public():
        call = CALLS[name]
        tried = set(call.given).union(*call.also)
        named = {
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        }
        assert named <= tried, f"{name}: {sorted(named - tried)} are tried nowhere"


@pytest.mark.parametrize("name", each(CALLS))
def test_ordinary_data_get_an_answer(name):
    """Whatever the documentation offers works."""
    for more in ({}, *CALLS[name].also):
        CALLS[name](**more)


def tried(name, kinds):
    """Yield what was done to a table and how the call ended, where it did not end well."""
    call = CALLS[name]
    for argument, table in tables(call):
        for kind in kinds:
            if kind in PLAIN:
                made, names = PLAIN[kind](table), {}
            else:
                made, names = CODED[kind](table)
            if made is not None:
                given = changed(call, {}, argument, made, names)
                bad = outcome(lambda given=given: call(**given))
                if bad:
                    yield f"{kind} {argument}: {bad}"


@pytest.mark.parametrize("name", each(CALLS))
def test_tables_that_hold_nothing(name):
    """No row, and no value."""
    assert list(tried(name, QUICK)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_tables_that_go_wrong(name):
    """One row, ids missing, rows doubled, a group without an event, nulls, the word "missing",
    codes and names of any type.
    """
    assert list(tried(name, [k for k in (*PLAIN, *CODED) if k not in QUICK])) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_a_column_that_is_not_there(name):
    """Any one column missing, and any one without a value."""
    call = CALLS[name]
    found = []
    for argument, table in tables(call):
        for column in table:
            lacking = table.drop(columns=column)
            emptied = table.assign(**{column: table[column].where(table.index != table.index)})
            for what, made in (("without", lacking), ("nothing in", emptied)):
                bad = outcome(lambda argument=argument, made=made: call(**{argument: made}))
                found += [f"{what} {argument}.{column}: {bad}"] if bad else []
    assert found == []
