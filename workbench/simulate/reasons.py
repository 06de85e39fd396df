"""Why an estimate misses what was planted, and what would mend it."""

from workbench.notes import Note

REASONS = {
    "reach": Note(
        "simulate.why_reach",
        "Reach: a need that is given up leaves no mark. If a new one arises before the silence is "
        "over, both count as one occasion, so that occasions are fewer, longer and more often "
        "bought than decisions. A silence read off the waits and the diaries of some customers "
        "mend most of it.",
    ),
    "considered": Note(
        "simulate.why_considered",
        "Alternatives: a brand looked at once, or in a shop, was weighed in mind and is missed by "
        "a rule of several contacts. Only asking buyers shows the whole set.",
    ),
    "skipped": Note(
        "simulate.why_skipped",
        "Skipping: a rule reads pages and not minds. Somebody who feels a need may open a search "
        "page first, and searches on pages that the rule counts elsewhere. Occasions whose truth "
        "is known correct it in both directions.",
    ),
    "given_up_in": Note(
        "simulate.why_given_up",
        "Where people give up: those who gave up and came back with a new need within the silence "
        "are missing. A silence read off the waits brings their number right, and not the place: "
        "rules put contacts of a need under search, which only labels mend.",
    ),
    "leaving": Note(
        "simulate.why_leaving",
        "Barriers: whoever gives up at one and feels a new need within the silence counts as "
        "having gone on. The longer the silence, the smaller the effect looks.",
    ),
    "bought_within": Note(
        "simulate.why_bought_within",
        "Time to purchase: occasions that hold several decisions end in a purchase more often, and "
        "later, than the decisions they hold.",
    ),
    "minutes": Note(
        "simulate.why_minutes",
        "Time in a stage: the planted stays are of those who went on. The estimate keeps everybody "
        "who gave up among those still staying until the silence is over, which draws it up, the "
        "upper quartile most; and stages that rules misread join two stays. Labels mend the "
        "second. The first is another question: that of all who entered.",
    ),
    "moves": Note(
        "simulate.why_moves",
        "Moves: an occasion that holds several decisions reaches later stages more often than each "
        "of them, and an event that a rule puts under the wrong stage makes a move that nobody "
        "made. A silence read off the waits mends the first, events labelled by hand the second.",
    ),
    "looped": Note(
        "simulate.why_looped",
        "Turning back: a page that belongs to several stages looks like a return, and so does a "
        "new need in the same occasion. What is counted are returns on pages, not in mind.",
    ),
    "triggers": Note(
        "simulate.why_triggers",
        "Triggers: a need from within begins with whatever channel it is followed up in. Only a "
        "question shows it.",
    ),
    "effort": Note(
        "simulate.why_effort",
        "Effort: contacts that nobody tracks are missing, and those of an earlier decision in the "
        "same occasion are added.",
    ),
    "impulse": Note(
        "simulate.why_impulse",
        "On impulse: what was planted is a decision that left out searching and comparing in mind. "
        "The count also wants the order within minutes, and takes pages that rules put under "
        "search for searching, so that it misses many. A question to the buyer mends it.",
    ),
    "progress": Note(
        "simulate.why_progress",
        "Moving on: what was planted is giving up in mind. The log tells only that nothing "
        "followed within the days counted: who gave up and soon felt another need seems to go on, "
        "and who went on unseen seems to have stopped.",
    ),
    "engaged": Note(
        "simulate.why_engaged",
        "Active in a month: a customer who is still one need not do anything in a month, and one "
        "who has left does nothing. A share of the active is a lower bound of those who stay.",
    ),
    "now": Note(
        "simulate.why_now",
        "Where customers are: the chances lean on answers, of which some are mistaken, and few of "
        "those who answered were under way. More answers narrow the interval; nothing else does.",
    ),
}
