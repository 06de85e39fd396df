"""Consumer Behaviour Workbench: how people decide, what moves them, whether they stay.

The modules are loaded on first use, so `import workbench` costs nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

MODULES = (
    "attribution",
    "choice",
    "clv",
    "conjoint",
    "discrete",
    "display",
    "drivers",
    "engine",
    "errors",
    "experiments",
    "funnels",
    "influence",
    "intervals",
    "journeys",
    "load",
    "loyalty",
    "notes",
    "periods",
    "prediction",
    "project",
    "regression",
    "reports",
    "results",
    "retention",
    "schemas",
    "simulate",
    "stages",
    "survival",
)


def use_language(language):
    """Choose the language of everything shown from here on: "en" or "nl"."""
    from workbench.display import use

    use(language)


def __getattr__(name):
    if name in MODULES:
        return import_module(f"workbench.{name}")
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__():
    return sorted((*MODULES, "__version__", "use_language"))
