"""A run with its figures and its funnel: computed once, read by every report."""

from __future__ import annotations

import msgspec

from trader.engine.result import RunResult
from trader.reports.figures import Value, figures
from trader.reports.funnel import Step, funnel
from trader.reports.refused import Consequences, consequences
from trader.reports.sizes import sizes


class Digest(msgspec.Struct, frozen=True, eq=False):
    """A run, the values of `FIGURES` by key, the rows of the funnel, of sizes, and what refusals led to, if known."""

    result: RunResult
    values: dict[str, Value]
    steps: list[Step]
    sizes: list[Step]
    consequences: Consequences | None

    @classmethod
    def of(cls, result: RunResult) -> Digest:
        """Compute the digest of a run."""
        return cls(result, figures(result), funnel(result), sizes(result), consequences(result))
