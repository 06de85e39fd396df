"""What a model of hidden stages learnt from, and how well it does where the truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench import engine
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stages.latent import fit_latent, posterior
from workbench.stages.validation import (
    NOBODY,
    latent_score,
    null_posterior,
    rule_posterior,
    stage_logit,
)

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Moment, Table

CONVERGED = Note("stages.learning_converged", "the fit converged")
IN_WORLD = Note("stages.in_world", "World “{world:word}”. {said}", world="", said="")
STOPPED = Note("stages.learning_stopped", "the fit was stopped before it converged")


@engine.tables("events")
@analysis
def learning(model: Any, events: Table, *, label_error: float = 0.1) -> Result:
    """From how many events and answers did the model learn, and did the fit converge?

    Takes a StageModel, the events it learnt from and the `label_error` it was given. Returns a
    Result: measure (events, answers), count, n. Raises nothing.
    """
    import pandas as pd

    view = engine.view(events, customer=engine.key("customer_id"))
    rows = int(engine.one("SELECT count(*) FROM v", v=view))
    answers = model.labels + model.held
    table = pd.DataFrame({"measure": ["events", "answers"], "count": [rows, answers]})
    state = CONVERGED if model.converged else STOPPED
    return Result(
        question=Note("stages.learning_question", "What did the model learn from?"),
        table=table.assign(n=table["count"], estimate=table["count"].astype(float)),
        method=Note(
            "stages.learning_method",
            "Expectation-maximisation until the log-likelihood hardly rises; {rounds} rounds.",
            rounds=len(model.log_likelihood),
        ),
        answer=_learning_answer(rows, answers, label_error, state),
        unit="events",
        n=rows,
        chart=Points(label=["measure"], xlabel=Note("stages.learning_axis", "Number")),
    )


def _learning_answer(rows, answers, label_error, state):
    """Return what the model learnt from, with or without answers."""
    if not answers:
        return Note(
            "stages.learning_answer_alone",
            "The model learnt from {n} events and no answers; {state}.",
            n=rows,
            state=state,
        )
    return Note(
        "stages.learning_answer",
        "The model learnt from {n} events and {answers} answers, of which {wrong:%0} are taken to "
        "be mistaken; {state}.",
        n=rows,
        answers=answers,
        wrong=label_error,
        state=state,
    )


@analysis
def world_score(
    market: Any,
    moment: Moment,
    *,
    model: Any | None = None,
    label_error: float = 0.1,
    conf_level: float = 0.95,
) -> object:
    """How good are hidden stages beside simpler models in a simulated market?

    The model learns from one half of the customers and their answers, and is judged on the other
    half against their true stage at the moment, as in `latent_score`.

    Takes a `simulate.Market`, the moment, a `model` learnt from its first half where there is one,
    `label_error` as in `fit_latent`. Returns a Result as `latent_score`, with the models latent,
    rule_map, logit and nobody (nobody needs anything).
    """
    from workbench import simulate

    half = market.settings.customers // 2
    events, answers = market["events"], simulate.stated_stages(market)
    answers = answers[answers["customer_id"] <= half]
    learn, judge = events[events["customer_id"] <= half], events[events["customer_id"] > half]
    options = {"label_error": label_error, "seed": market.settings.seed}
    model = fit_latent(learn, labels=answers, **options) if model is None else model
    predicted = posterior(judge, model, moment=moment)
    rivals = [
        rival(events, model, answers, moment=moment) for rival in (rule_posterior, stage_logit)
    ]
    truth = simulate.true_stage(market, predicted["customer_id"], moment)
    rivals.append(null_posterior(predicted))
    names = ["rule_map", "logit", NOBODY]
    scores = latent_score(predicted, truth, *rivals, names=names, conf_level=conf_level)
    world = market.settings.world
    return replace(scores, answer=IN_WORLD.having(world=world, said=scores.answer))
