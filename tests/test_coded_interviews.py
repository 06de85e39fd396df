"""Coded interviews: agreement of published examples, saturation by hand, laws, planted codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench import interviews
from workbench.errors import InputError, NotEnoughData
from workbench.personal_data import masked
from workbench.simulate import coding
from workbench.stats import agreement, saturation

NAN = np.nan
# Krippendorff (2018), ch. 12: four coders, twelve units.
FOUR = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


def codes(rows):
    """Rows of text, segment, coder, code."""
    names = ["text_id", "segment_id", "coder_id", "code"]
    return pd.DataFrame(rows, columns=names).assign(interviewed_at=lambda d: d["text_id"])


def row(result, **keys):
    """The only row of a table with these keys."""
    table = result.table
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


# By reference and by hand.


@pytest.mark.parametrize(
    ("level", "alpha"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_of_the_published_example(level, alpha):
    """Through the table too: a number that four coders gave to twelve segments."""
    found = agreement.coincidences(FOUR)
    assert agreement.krippendorff(found, level) == pytest.approx(alpha, abs=0.0005)
    rows = [
        (f"t{u % 3}", u, f"c{c}", "said", FOUR[c, u])
        for c in range(4)
        for u in range(12)
        if FOUR[c, u] == FOUR[c, u]
    ]
    table = pd.DataFrame(rows, columns=["text_id", "segment_id", "coder_id", "code", "value"])
    made = interviews.agreement(table, value="value", level=level, draws=30)
    assert row(made, measure="alpha").estimate == pytest.approx(alpha, abs=0.0005)
    assert row(made, measure="alpha").n == 11


def test_alpha_of_two_coders_without_gaps_is_nearly_cohens_kappa():
    """Cohen (1960): 20, 5, 10 and 15 of 50; alpha by hand from its coincidences."""
    pairs = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [20, 5, 10, 15], axis=0).T
    alpha = agreement.krippendorff(agreement.coincidences(pairs.astype(float)))
    seen, n = 15 / 50, 100
    ones = 5 + 10 + 30
    assert alpha == pytest.approx(1 - seen / (2 * ones * (n - ones) / (n * (n - 1))))


def test_codes_by_participant_and_together_by_hand():
    data = codes(
        [
            ("a", 1, "x", "price"),
            ("a", 1, "x", "trust"),
            ("a", 2, "x", "price"),
            ("b", 1, "x", "trust"),
            ("c", 1, "x", None),
        ]
    )
    made = interviews.frequency(data)
    assert row(made, code="price")[["count", "n", "segments"]].tolist() == [1, 3, 2]
    assert row(made, code="trust")[["count", "n"]].tolist() == [2, 3]
    both = row(interviews.co_occurrence(data), code="price", with_code="trust")
    assert both[["count", "n"]].tolist() == [1, 3]
    staged = data.assign(stage=["need", "need", "search", "need", "need"])
    made = interviews.by_stage(staged)
    assert row(made, stage="need", code="trust")[["count", "n"]].tolist() == [2, 3]
    assert row(made, stage="search", code="price")[["count", "n"]].tolist() == [1, 1]


def test_whose_codes_count():
    data = codes([("a", 1, c, "price") for c in "xy"] + [("a", 1, "z", "trust")])
    found = {
        rule: set(interviews.frequency(data, agreed=rule).table["code"]) for rule in ("any", "most")
    }
    assert found == {"any": {"price", "trust"}, "most": {"price"}}
    with pytest.raises(NotEnoughData, match="enough coders"):
        interviews.frequency(data, agreed="all")


def test_saturation_by_hand():
    """Four interviews have two codes; the fifth brings one more, the sixth and seventh none."""
    said = ["p", "pt", "t", "p", "q", "p", "pt"]
    data = codes([(k, 1, "x", c) for k, letters in enumerate(said) for c in letters])
    made = interviews.saturation(data, draws=20).table
    assert made["interviews"].tolist() == [6, 7]
    assert made["new_codes"].tolist() == [1, 0]
    assert made["estimate"].tolist() == [0.5, 0.0]
    assert saturation.reached(np.array([0.5, 0.0]), np.array([6, 7]), 0.05) == 7


def test_confusion_by_hand():
    data = codes(
        [
            *[("a", k, "x", "price") for k in range(4)],
            ("a", 0, "y", "price"),
            ("a", 1, "y", "trust"),
            ("a", 2, "y", "trust"),
        ]
    )
    made = interviews.confusion(data, "x", "y")
    counts = made.table.set_index("second_coder")["count"].to_dict()
    assert counts == {"price": 1, "trust": 2, "nothing": 1}


def test_quotes_follow_the_rule_and_hide_who_spoke():
    data = codes(
        [
            ("a", 1, "x", "price"),
            ("a", 1, "y", "price"),
            ("b", 1, "x", "price"),
            ("b", 1, "x", "trust"),
        ]
    ).assign(text=["Mail ann@example.org."] * 2 + ["Call 06 1234 5678, says Bob."] * 2)
    made = interviews.quotes(data, each=1, known_names=["Bob"])
    first = made[made["code"] == "price"].iloc[0]
    assert (first["quote"], first["coders"]) == ("Mail [email].", 2)
    assert "Bob" not in " ".join(made["quote"])
    assert "[phone]" in made[made["code"] == "trust"].iloc[0]["quote"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("NL91 ABNA 0417 1643 00", "[iban]"),
        ("Dorpsstraat 12, 1234 AB 12", "[address], [address]"),
        ("mevrouw De Vries belde", "mevrouw [name] belde"),
        ("see www.example.org/me", "see [url]"),
    ],
)
def test_personal_data_are_masked(text, shown):
    assert masked([text])[0] == shown


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: interviews.frequency(d.drop(columns="coder_id")), InputError, "coder_id"),
        (lambda d: interviews.frequency(d, agreed="some"), InputError, "any"),
        (lambda d: interviews.agreement(d), NotEnoughData, "at least 2 coders"),
        (lambda d: interviews.confusion(d, "x", "z"), InputError, "coder"),
        (lambda d: interviews.saturation(d), NotEnoughData, "need 6"),
        (lambda d: interviews.frequency(d.assign(code=None)), NotEnoughData, "no coded segment"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(call, error, says):
    with pytest.raises(error, match=says):
        call(codes([("a", 1, "x", "price"), ("b", 1, "x", "price")]))


# Laws.


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 4), min_size=3, max_size=3), min_size=2, max_size=15),
    st.randoms(use_true_random=False),
)
def test_alpha_knows_no_order_of_coders_and_units(rows, shuffle):
    """Nor of names of nominal values; and never exceeds 1."""
    ratings = np.array(rows, float).T
    order = list(range(ratings.shape[1]))
    shuffle.shuffle(order)
    for level in agreement.LEVELS:
        one = agreement.krippendorff(agreement.coincidences(ratings), level)
        other = agreement.krippendorff(agreement.coincidences(ratings[::-1, order]), level)
        assert one == pytest.approx(other, nan_ok=True)
        assert not one > 1
    renamed = agreement.krippendorff(agreement.coincidences(7 - ratings))
    assert renamed == pytest.approx(
        agreement.krippendorff(agreement.coincidences(ratings)), nan_ok=True
    )


# Planted truth.


def covered(seed, participants=40):
    """Yield name and whether the interval holds the planted value."""
    made = coding.interviews(participants, seed=seed)
    alphas = interviews.agreement(made.codes, draws=150).table
    for code, truth in made.truth["alpha"].items():
        found = alphas[(alphas["code"] == code) & (alphas["measure"] == "alpha")].iloc[0]
        # Of a rare code a sample holds a handful of segments.
        if truth > 0.5:
            yield "alpha", found["conf_low"] <= truth <= found["conf_high"]
    shares = interviews.frequency(made.perfect).table.set_index("code")
    for code, truth in made.truth["mention"].items():
        if code in shares.index:
            found = shares.loc[code]
            yield "mention", found["conf_low"] <= truth <= found["conf_high"]


def test_planted_codes_and_agreement_come_back():
    held = [hit for seed in range(6) for _, hit in covered(seed)]
    assert stats.binomtest(sum(held), len(held), 0.95).pvalue > 0.001


@pytest.mark.slow
def test_planted_codes_and_agreement_come_back_in_200_studies():
    """Each measure by itself: the truth is inside 91 to 98 % of the intervals."""
    hits = {}
    for seed in range(200):
        for name, hit in covered(500 + seed):
            hits.setdefault(name, []).append(hit)
    shares = {name: np.mean(found) for name, found in hits.items()}
    assert all(0.91 <= share <= 0.98 for share in shares.values()), shares


def test_careless_coders_inflate_what_any_of_them_saw():
    """Codes of any coder count mistakes of all of them; those of most coders hardly any."""
    made = coding.interviews(60, invents=0.05, seed=2)
    rare = made.truth["mention"]["gift"]
    shares = {
        rule: interviews.frequency(made.codes, agreed=rule).table.set_index("code")["estimate"]
        for rule in ("any", "most")
    }
    assert shares["any"]["gift"] > rare + 0.3
    assert abs(shares["most"]["gift"] - rare) < 0.15
