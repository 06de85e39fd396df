"""Makes lifelines.json: Kaplan–Meier, its intervals and Aalen–Johansen from an independent library.

Run apart, since lifelines needs an older pandas:

    pip install "lifelines==0.30.3" && python tests/golden/make_lifelines.py

Data: the recidivism set `rossi` that lifelines ships (432 people, weeks to arrest; Rossi, Berk &
Lenihan 1980), written out in full so that the test needs no other source.
"""

import json
from pathlib import Path

import lifelines
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.datasets import load_rossi

data = load_rossi()
km = KaplanMeierFitter().fit(data["week"], data["arrest"])
single = AalenJohansenFitter(calculate_variance=True).fit(
    data["week"], data["arrest"], event_of_interest=1
)
ci = km.confidence_interval_survival_function_
Path(__file__).with_name("lifelines.json").write_text(
    json.dumps(
        {
            "lifelines": lifelines.__version__,
            "week": data["week"].astype(int).tolist(),
            "arrest": data["arrest"].astype(int).tolist(),
            "time": [float(t) for t in km.survival_function_.index],
            "estimate": km.survival_function_.iloc[:, 0].tolist(),
            "low": ci.iloc[:, 0].tolist(),
            "high": ci.iloc[:, 1].tolist(),
            "aj_time": [float(t) for t in single.cumulative_density_.index],
            "aj": single.cumulative_density_.iloc[:, 0].tolist(),
        },
        indent=None,
    )
)
