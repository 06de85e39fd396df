"""The exercises of 14_where_now: expected and certain customers, and a stricter rule."""

from workbench.reports.exercises import Exercises, Truth

STAGES = ["idle", "need", "search", "evaluation", "intent", "post_purchase"]
exercises = Exercises("14_where_now")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* One table adds up chances, the other has a stage and whether it is certain for "
        "every customer. Which of the two gives names to write to?"
    ),
    right=(
        "**Right.** Few customers can be named, although the expected number is larger: the rest "
        "of the expectation is spread in small chances over many people, none of whom is likely."
    ),
    otherwise=(
        "**Not yet.** Count the rows of `chances` whose `stage` is intent and that are `certain`."
    ),
    hints={
        "expected": (
            "**Not yet.** That is how many customers are expected in the stage. It adds up small "
            "chances of many people, and names nobody."
        ),
        "likeliest": (
            "**Not yet.** That counts everybody for whom intent is the likeliest stage, also where "
            "its chance is below one half."
        ),
    },
)
def certain_to_intend(chances):
    """How many customers are in purchase intention with a chance of at least one half."""
    intends = chances["stage"] == "intent"
    mistakes = {"expected": round(chances["intent"].sum(), 1), "likeliest": int(intends.sum())}
    value = int((intends & chances["certain"]).sum())
    return Truth(value, mistakes={k: v for k, v in mistakes.items() if v != value})


@exercises.add(
    2,
    first=(
        "*Hint.* For every customer, take the largest of the six chances. What does your colleague "
        "ask of it?"
    ),
    right=(
        "**Right.** A stricter rule makes fewer mistakes and says nothing of more people. Which of "
        "the two costs more depends on the message, and not on the model."
    ),
    otherwise=(
        "**Not yet.** Take the largest of the six chances of every row of `chances`, and the share "
        "of rows in which it is at least seven in ten."
    ),
    hints={
        "half": (
            "**Not yet.** That is the share under the rule of this page, at least one half. Your "
            "colleague asks for more."
        ),
        "rest": "**Not yet.** That is the share for whom the stage is *not* known.",
    },
)
def known_under_the_stricter_rule(chances):
    """The share of customers whose likeliest stage has a chance of at least seven in ten."""
    largest = chances[STAGES].max(axis=1)
    value = float((largest >= 0.7).mean())
    mistakes = {"half": float(chances["certain"].mean()), "rest": 1 - value}
    return Truth(value, share=True, mistakes=mistakes)
