"""pytest-benchmark's tests refuse a debug build, like the other measurements."""

from __future__ import annotations

import pytest

from benches.support.rounds import require_release_build


def pytest_sessionstart() -> None:
    try:
        require_release_build()
    except SystemExit as refusal:
        pytest.exit(str(refusal), returncode=1)
