"""Consumer Behaviour Workbench: how people decide, what moves them, whether they stay.

The modules are loaded on first use, so `import workbench` costs nothing.
"""

from importlib import import_module
from pkgutil import iter_modules

__version__ = "0.1.0"

# Whatever lies in the folder: a room cannot be forgotten here.
MODULES = tuple(sorted(m.name for m in iter_modules(__path__)))


def use_language(language):
    """Choose the language of everything shown from here on: "en" or "nl"."""
    from workbench.display import use

    use(language)


def __getattr__(name):
    if name in MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__():
    return sorted(["MODULES", "__version__", "use_language", *MODULES])
