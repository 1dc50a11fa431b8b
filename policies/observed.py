"""What a policy would have spared, while it is only observed.

Laws of this file: pure; nothing here changes what passes; what isn't known counts nothing, so that the sum is never
more than what would have been spared. The shares are those measured on a mixed course.
"""

from __future__ import annotations

from policies.decision import AdaptAudio, AdaptVideo, Decision, DownsampleImage, Verdict, Withhold
from policies.facts import ResponseFacts
from policies.plan import plan_observed, whole_size_bytes

_IMAGE_SHARE = 0.8  # of a picture's bytes
_FILM_SHARE = 0.8  # of a film's or a recording's, in the largest of its versions


def spared_bytes(decision: Decision, response: ResponseFacts) -> int:
    """About how many bytes of this response would have stayed away; 0 where the policy is in force."""
    if not decision.observe or response.status >= 300:
        return 0
    size_bytes = response.length_bytes or 0
    if decision.verdict is not Verdict.ALLOW:
        return size_bytes
    match plan_observed(decision, response):
        case Withhold():
            return (whole_size_bytes(response) if not response.partial else size_bytes) or 0
        case DownsampleImage():
            return round(_IMAGE_SHARE * size_bytes)
        case AdaptVideo() | AdaptAudio():
            return round(_FILM_SHARE * size_bytes)
        case _:
            return 0
