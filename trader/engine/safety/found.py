"""What a look at something found."""

from __future__ import annotations

import msgspec

OK, WARN, FAIL = "ok", "warning", "fault"


class Found(msgspec.Struct, frozen=True):
    """One finding: `state` is ok, warning or fault, `about` what was looked at, `text` what was found, in words."""

    state: str
    about: str
    text: str


def found_if(good: bool, about: str, well: str, otherwise: str, state: str = FAIL) -> Found:
    """Return the finding that all is well, or the one in `state` that says otherwise."""
    return Found(OK, about, well) if good else Found(state, about, otherwise)
