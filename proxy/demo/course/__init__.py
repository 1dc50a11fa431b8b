"""A Russian-language course for teachers on a portal that behaves and weighs like a real LMS.

It is an origin: it knows nothing of the proxy in front of it and imports nothing of it. There are no back doors
over HTTP; whoever runs it in-process inspects `RunningCourse.state`.
"""

from __future__ import annotations

from proxy.demo.course.assets import build_assets, version
from proxy.demo.course.assets.video import FfmpegMissing
from proxy.demo.course.server import PAGES, CoursePage, RunningCourse, start_course
from proxy.demo.course.state import USERS, CourseState

__all__ = [
    "PAGES",
    "USERS",
    "CoursePage",
    "CourseState",
    "FfmpegMissing",
    "RunningCourse",
    "build_assets",
    "start_course",
    "version",
]
