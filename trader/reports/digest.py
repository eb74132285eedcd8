"""A run with its figures and its funnel: computed once, read by every report."""

from __future__ import annotations

import msgspec

from trader.engine.result import RunResult
from trader.reports.acts import acts
from trader.reports.figures import Value, figures
from trader.reports.funnel import funnel
from trader.reports.hedging import Hedging, hedging
from trader.reports.refused import Consequences, consequences
from trader.reports.sizes import sizes
from trader.reports.steps import Step


class Digest(msgspec.Struct, frozen=True, eq=False):
    """A run, the values of `FIGURES` by key, the rows of the funnel, of sizes and of all other rules.

    And what refusals led to, if known, and what is to be said of hedges, where they are on.
    """

    result: RunResult
    values: dict[str, Value]
    steps: list[Step]
    sizes: list[Step]
    acts: list[Step]
    consequences: Consequences | None
    hedging: Hedging | None

    @property
    def rules(self) -> list[Step]:
        """All rows, those of the funnel first."""
        return [*self.steps, *self.sizes, *self.acts]

    @classmethod
    def of(cls, result: RunResult) -> Digest:
        """Compute the digest of a run."""
        rows = (funnel(result), sizes(result), acts(result))
        return cls(result, figures(result), *rows, consequences(result), hedging(result))
