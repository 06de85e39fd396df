"""From a file to a draft of its mapping: what can be told is written, what cannot is asked."""

from workbench.load.guessing.drafts import guess

__all__ = ["guess"]
