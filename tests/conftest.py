"""What holds for every suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

_HERE = Path(__file__).parent
# Whole files go to workers (`--dist loadfile`), so one that takes long must not be the last to begin. Longest first, by
# measured time; the others follow as they come.
LONGEST_FIRST = (
    *("e2e/test_media.py", "e2e/test_outage.py", "e2e/test_ladders.py", "e2e/test_night_story.py"),
    *("e2e/test_changes.py", "e2e/test_uploads_recordings.py", "e2e/test_originals_and_downloads.py"),
    *("e2e/test_behind_a_front.py", "e2e/test_media_firefox.py", "e2e/test_own_store.py", "e2e/test_reading.py"),
    *("e2e/test_night.py", "e2e/test_ladders_firefox.py", "e2e/test_learners.py", "e2e/test_uploads.py"),
    *("e2e/test_forward.py", "e2e/test_consultation.py", "e2e/test_own_store_life.py", "e2e/test_trouble.py"),
    *("e2e/test_uploads_file_manager.py", "e2e/test_uploads_firefox.py", "e2e/test_own_store_firefox.py"),
    *("e2e/test_own_store_bounds.py", "e2e/test_kept_answers.py", "e2e/test_pac.py"),
    *("unit/proxy/transforms/media/test_capped.py", "unit/proxy/own/test_media.py"),
    *("contract/test_media_recipes.py", "unit/proxy/stages/test_media.py"),
    *("unit/proxy/transforms/test_image_workers.py", "unit/proxy/transforms/media/lecture/test_compose.py"),
    *("unit/proxy/transforms/media/documents/test_pdf.py", "unit/proxy/transforms/media/lecture/test_detect.py"),
    *("contract/test_transforms.py", "unit/proxy/transforms/html/test_html_stream.py"),
    *("property/test_windows_laws.py", "unit/proxy/modes/test_front.py"),
    *("unit/proxy/transforms/media/test_sound.py", "property/test_decide_laws.py"),
    *("unit/proxy/transforms/image/test_image_animation.py", "unit/proxy/test_shell.py"),
    *("property/test_configuration.py", "property/test_plan_laws.py"),
    *("unit/proxy/transforms/media/test_segments.py", "unit/proxy/transforms/media/lecture/test_bbb.py"),
    *("unit/proxy/pages/test_in_browser.py", "property/test_html_laws.py"),
)

# No deadlines: how long an example takes says how busy the machine is. CI tries the same examples each time, so that a
# red run can be repeated.
settings.register_profile("tropa", deadline=None, print_blob=True, derandomize=os.environ.get("CI") == "true")
settings.load_profile("tropa")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, two more for journeys: while some wait for a browser, a player or a process, the
    others work."""
    only_journeys = bool(config.args) and all("e2e" in Path(arg).parts for arg in config.args)
    return (os.cpu_count() or 2) + (2 if only_journeys else 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {_HERE / name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
