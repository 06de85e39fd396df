"""One thread for libraries whose threads, on tables this small, wait more than they work."""

from functools import cache


@cache
def _pools():
    """Return what holds the threads of the libraries under scikit-learn."""
    import sklearn.cluster
    import sklearn.linear_model  # noqa: F401  (its libraries have to be there)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one():
    """Return a context in which these libraries work with one thread.

    >>> with one():
    ...     pass
    """
    return _pools().limit(limits=1)
