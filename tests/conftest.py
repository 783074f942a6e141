"""Profiles of hypothesis, chosen by HYPOTHESIS_PROFILE.

quick    the default: 150 examples of each property
ci       250 examples
fuzz     FUZZ_EXAMPLES=20000 examples, with the blob that reproduces a failure

Where CI is set, each run draws the same examples, so that a failure comes of the change and not of chance. Elsewhere
each run draws others.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Events are large on purpose and the machine may be busy: no deadline, no check of the generator's speed.
_COMMON = settings(
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
settings.register_profile("quick", _COMMON, max_examples=150)
settings.register_profile("ci", _COMMON, max_examples=250)
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20000"))
settings.register_profile("fuzz", _COMMON, derandomize=False, max_examples=_EXAMPLES, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# What a machine's environment says of proxies, colours and widths is no matter of these tests, nor of their processes.
for _name in ("FORCE_COLOR", "PY_COLORS", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"):
    os.environ.pop(_name, None)
for _name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.upper(), None)
