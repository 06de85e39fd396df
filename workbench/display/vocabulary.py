"""Which names in a table or sentence are ours: told by the column or value they stand in.

A shop may have a group called "count" or a brand called "maker 3". Only what the workbench itself
wrote is shown in the language in use; a user's own labels are shown as they came.
"""

_SMALL_GROUPS = "other_small"  # as results.merging names them, in whatever column


def _words(text):
    return frozenset(text.split())


# Columns of our tables, and values of our sentences, that hold nothing but names of ours.
OURS = _words("""
    base basis chance comparison component definition design effect entry evidence family
    field framework grade highest highest_tool interval least_rule lowest lowest_tool loyalty
    measure method model most_rule noun order parameter point purchase quadrant quantile reason
    rotation row rule series statistic status tool unit weights what""")
_STAGES = _words("""
    abandoned advocacy all_stages awareness bought evaluation idle intent need open post_purchase
    purchase retention search start""")
_SEGMENTS = frozenset(("champions", "loyal", "new", "fading", "at_risk", "lost"))
_GROUPS = _words("""
    all contacted contacted_less_not detractors difference fewer heavy large_order light
    missing more no_complaint non_buyers not_contacted odds_ratio passives promoters
    small_order solved solved_less_no_complaint solved_less_unsolved unsolved
    unsolved_less_no_complaint""")
_OUTCOMES = frozenset(("abandoned", "back", "bought", "forward", "left", "open"))
_TERMS = _words("""
    constant interaction mean_leaving mean_rate mean_value other_prices own_price saturation
    slope""")
_TRIGGERS = frozenset(("from_within", "woken_by_advert", "woken_by_friend", "woken_by_mail"))
_ASPECTS = _words("delivery price quality range service usability")
_EMOTIONS = _words("anger anticipation disgust fear joy sadness surprise trust")
_LANGUAGES = _words("en nl unknown")
# Columns and values where names of ours stand among the user's own.
MIXED = {
    "answer": frozenset(("all", "top_box")),
    "aspect": _ASPECTS,
    "begins": _STAGES,
    "best": _SEGMENTS | {"bg_nbd", "mbg_nbd", "pareto_nbd"},
    "brand": frozenset(("category", "other brands")),
    "code": frozenset(("all",)),
    "campaign": frozenset(("any",)),
    "emotion": _EMOTIONS,
    "from_stage": _STAGES,
    "goal": _STAGES,
    "group": _GROUPS,
    "intent": _STAGES,
    "kind": frozenset(
        ("covariance", "cross", "loading", "observed", "one_rule", "own", "reference", "tool")
    ),
    "language": _LANGUAGES,
    "language_found": _LANGUAGES,
    "last_aspect": _ASPECTS,
    "name": _SEGMENTS | {"bought_again", "new_among_buyers"},
    "names": _SEGMENTS,
    "outcome": _OUTCOMES,
    "path": frozenset(("direct", "indirect", "other_paths", "total")),
    "second_coder": frozenset(("nothing",)),
    "segment": _SEGMENTS,
    "size": frozenset(("all",)),
    "stage": _STAGES,
    "stages": _STAGES,
    "state": frozenset(
        ("contacted", "dormant", "new", "resolved", "resurrected", "returning", "not_contacted")
    ),
    "step": frozenset(("failed", "not_explained")),
    "term": _TERMS,
    "terms": _TERMS,
    "to_stage": _STAGES,
    "tone": frozenset(("negative", "neutral", "positive")),
    "value": frozenset(("cp1252 (assumed)", "tab", "yes", "no", "none")),
    "trigger": _TRIGGERS,
    "control": _TRIGGERS,
    "far": _TRIGGERS,
    "near": _TRIGGERS,
    "window": frozenset(("whole",)),
    "worst": _SEGMENTS,
}


def is_ours(name, role):
    """Say whether a name is ours where it stands: in the column, or as the value, called `role`.

    >>> is_ours("median", "measure"), is_ours("median", "group"), is_ours("all", "group")
    (True, False, True)
    """
    return name == _SMALL_GROUPS or role in OURS or name in MIXED.get(role, ())
