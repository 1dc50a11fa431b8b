"""The sample course as the origin behind Tropa, in a thread; what learners did is read from its state."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.demo.course import RunningCourse, start_course, version
from tests.e2e.harness.loops import LoopThread


def course_dir() -> Path:
    """Where the course's made files are kept between runs; TROPA_COURSE_DIR names another place."""
    told = os.environ.get("TROPA_COURSE_DIR")
    return Path(told) if told else Path(tempfile.gettempdir()) / f"tropa-course-{version()}"


@contextmanager
def running_course(clock: Callable[[], float] | None = None, port: int = 0) -> Iterator[RunningCourse]:
    """A course on a free port while the block runs."""
    thread = LoopThread("course")
    course = thread.call(start_course(data_dir=course_dir(), clock=clock, port=port), timeout_s=600)
    try:
        yield course
    finally:
        thread.call(course.close())
        thread.close()
