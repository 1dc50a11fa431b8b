"""What holds for every suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadlines: how long an example takes says how busy the machine is. CI tries the same examples each time, so that a
# red run can be repeated.
settings.register_profile("tropa", deadline=None, print_blob=True, derandomize=os.environ.get("CI") == "true")
settings.load_profile("tropa")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: while one waits for a browser, a player or a process, the others work."""
    return (os.cpu_count() or 2) + 1
