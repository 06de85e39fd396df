"""What a firm would learn from tests and mailings in a simulated market."""

import numpy as np


def channel_tests(truth, channels, *, std_error=30.0, seed=1):
    """Return what experiments on some channels would find: the truth with an error of each test.

    `truth` is the table of `simulate.channel_effects`. Returns a DataFrame with channel,
    incremental (orders the test found) and std_error, fit for `attribution.calibrated`.
    """
    rng = np.random.default_rng(seed)
    tests = truth[truth["channel"].isin(channels)].assign(std_error=std_error)
    luck = rng.normal(0, std_error, len(tests))
    return tests.assign(incremental=tests["incremental_orders"] + luck)
