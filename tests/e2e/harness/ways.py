"""The ways by which learners come in, so that a journey runs in every mode that can have it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.harness.browser import Visit, visiting
from tests.e2e.harness.tropa import Running
from tests.e2e.harness.wire import Learner

WAYS = ("reverse", "forward")


class Way:
    """One way to the course in one region.

    base       the course's address as learners type it
    """

    def __init__(self, name: str, house: Running, place: str) -> None:
        self.name = name
        self.house = house
        self.place = place
        course_port = house.regions.course_port
        self.host = f"127.0.0.1:{house.ports[place]}" if name == "reverse" else f"localhost:{course_port}"
        self.base = f"http://{self.host}"

    def visit(self, browser: Browser, **options: Any) -> AbstractContextManager[Visit]:
        """A browser that goes this way."""
        if self.name == "forward":
            proxy = f"http://127.0.0.1:{self.house.ports['forward']}"
            options["proxy"] = {"server": proxy, "bypass": "<-loopback>"}  # loopback goes through it, too
        return visiting(browser, **options)

    def learner(self) -> Learner:
        """A raw client that goes this way."""
        if self.name == "forward":
            return Learner(self.house.ports["forward"], absolute=True, site=self.host)
        return Learner(self.house.ports[self.place])
