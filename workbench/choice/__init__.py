"""Why this one and not another? Choice among alternatives, what a change would be worth, and how
sure we are.
"""

from workbench.choice.estimation import ClassFit, Fit, MixedFit, NestedFit
from workbench.choice.latent_classes import latent_class, select_latent_classes
from workbench.choice.logit import compare_rules, conditional_logit, iia_test
from workbench.choice.mixed import mixed_logit, state_dependence
from workbench.choice.nested import nested_logit
from workbench.choice.postestimation import elasticities, simulate_shares, willingness_to_pay
from workbench.choice.samples import most_chosen, some_customers
from workbench.choice.validation import holdout

__all__ = [
    "ClassFit",
    "Fit",
    "MixedFit",
    "NestedFit",
    "compare_rules",
    "conditional_logit",
    "elasticities",
    "holdout",
    "iia_test",
    "latent_class",
    "mixed_logit",
    "most_chosen",
    "nested_logit",
    "select_latent_classes",
    "simulate_shares",
    "some_customers",
    "state_dependence",
    "willingness_to_pay",
]
