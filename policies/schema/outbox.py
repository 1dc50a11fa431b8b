"""Forms that are kept while an origin is out of reach, as they are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from policies.schema.base import Id, Line, Listed, Section

Lines = Annotated[list[Line], Listed]


class OutboxSection(Section):
    """A form that is kept while the site is out of reach and sent once when it is back; never one of assessment."""

    name: Id = Field(description="What the log and the learner's list call this kind of form.")
    path: Line = Field(description="Where it is posted to: a path, as in rules.")
    token: Line = Field(default="", description="The field that proves the login, as sesskey; it is renewed.")
    text: Lines = Field(description="The fields that hold what the learner wrote; the first that isn't blank counts.")
    subject: Line = Field(default="", description="The field with its title.")
    page: Lines = Field(
        default=[],
        description="Where the form is had anew, as /discuss.php?d={d}; the first with all fields filled.",
    )
    look: Lines = Field(default=[], description="Where the message stands when it has arrived, in the same way.")
    unless: Lines = Field(default=[], description="Fields that, filled, make it another thing: an edit, a cancel.")
    done: Lines = Field(
        description="Paths that the site leads to when it took the form, or with a fragment: /discuss.php#p*."
    )
    refused_with: Lines = Field(default=[], description="Parameters of that address which say that it didn't.")
    login: Lines = Field(default=[], description="Paths that the site leads to when nobody is logged in.")
    call: Lines = Field(
        default=[],
        description="Calls that the site's scripts post there as JSON; the token is then in the address.",
    )
    person: Lines = Field(
        default=[],
        description="What its pages say around who reads them, with {id}: by it a message finds its writer again.",
    )
