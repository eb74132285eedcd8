"""The tables in the report of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trader.engine.train.proof.facts import Chances, Classes, Evidence, Group, OfFold, Pooled, Signals
from trader.reports.html import row, table

UNKNOWN = "–"


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many decimals; a dash for what is undefined."""
    return UNKNOWN if math.isnan(value) else f"{value:,.{digits}f}"


def percent(value: float, digits: int = 2) -> str:
    """Return a fraction in percent; a dash for what is undefined."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:,.{digits}f} %"


def _signals(name: str, found: Signals, p_value: str = "") -> list[str]:
    return [
        name,
        f"{found.entries:,}",
        percent(found.won, 1),
        percent(found.net, 3),
        percent(found.error, 3),
        percent(found.total, 1),
        number(found.sharpe, 2),
        p_value,
    ]


def signals(evidence: Evidence) -> str:
    """Return the entries followed alone: of the model, of the geometry, of chance."""
    heads = ("entries, each alone", "trades", "won", "mean net", "standard error", "sum", "Sharpe, daily", "p")
    chance = evidence.chance
    random = [f"random, {chance.draws:,} draws", f"{evidence.signals.entries:,}", "", percent(chance.mean, 3)]
    rows = [
        row(_signals("model", evidence.signals, number(chance.p_value, 4)), range(1, 8), "left"),
        row(_signals("geometry", evidence.geometry), range(1, 8)),
        row([*random, percent(chance.deviation, 3), "", "", ""], range(1, 8)),
    ]
    return table(heads, rows, range(1, 8))


def pooled(evidence: Evidence) -> str:
    """Return the backtests of the whole program, and holding."""
    heads = ("one pool of capital", "trades", "won", "mean net of a trade", "return", "deepest drawdown",
             "Sharpe, daily", "costs / capital")  # fmt: skip
    rows = [row(_pooled(name, found), range(1, 8)) for name, found in evidence.pooled.items()]
    hold = ["buy and hold", "", "", "", percent(evidence.hold), percent(evidence.hold_drawdown), "", ""]
    return table(heads, [*rows, row(hold, range(1, 8))], range(1, 8))


def _pooled(name: str, found: Pooled) -> list[str]:
    return [
        name,
        f"{found.trades:,}",
        percent(found.won, 1),
        percent(found.net, 3),
        percent(found.result),
        percent(found.drawdown),
        number(found.sharpe, 2),
        percent(found.costs),
    ]


def recognised(evidence: Evidence) -> str:
    """Return how well candidates were recognised, in all, before the break, and fold by fold."""
    heads = ("recogniser", "candidates", "log loss", "of shares alone", "Brier", "of shares alone",
             "calibration error", "mean F1")  # fmt: skip
    parts = [("all candidates", evidence.recognised), ("those before the break", evidence.early)]
    parts += [(f"fold {at}", fold.recognised) for at, fold in enumerate(evidence.folds, 1)]
    return table(heads, [row(_classes(*part), range(1, 8)) for part in parts], range(1, 8))


def _classes(name: str, found: Classes) -> list[str]:
    values = (found.log_loss, found.log_loss_of_shares, found.brier, found.brier_of_shares)
    rest = (found.calibration_error, found.macro_f1)
    return [name, f"{found.rows:,}", *(number(value, 4) for value in (*values, *rest))]


def chances(evidence: Evidence) -> str:
    """Return how well it was known which entries win, in all and fold by fold."""
    heads = ("success model", "entries", "won", "log loss", "of the share won", "Brier", "of the share won",
             "calibration error", "expected net", "net")  # fmt: skip
    parts = [("all entries", evidence.chances)]
    parts += [(f"fold {at}", fold.chances) for at, fold in enumerate(evidence.folds, 1)]
    return table(heads, [row(_chances(*part), range(1, 10)) for part in parts], range(1, 10))


def _chances(name: str, found: Chances) -> list[str]:
    losses = (found.log_loss, found.log_loss_of_share, found.brier, found.brier_of_share, found.calibration_error)
    nets = (percent(found.expected, 3), percent(found.net, 3))
    return [name, f"{found.entries:,}", percent(found.won, 1), *(number(loss, 4) for loss in losses), *nets]


def by_class(evidence: Evidence) -> str:
    """Return precision, recall and F1 of each class; behind them those of the candidates before the break."""
    heads = ("class", "candidates", "called", "precision", "recall", "F1", "recall before the break")
    rows = []
    for name, found, early in zip(evidence.classes, evidence.recognised.classes, evidence.early.classes, strict=True):
        scores = (found.precision, found.recall, found.f1, early.recall)
        counts = (f"{found.rows:,}", f"{found.called:,}")
        rows.append(row([_words(name), *counts, *(number(score) for score in scores)], range(1, 7)))
    return table(heads, rows, range(1, 7))


def confusion(evidence: Evidence) -> str:
    """Return how many candidates of each class were called which."""
    names = [_words(name) for name in evidence.classes]
    heads = ("true \\ called", *(_short(name) for name in names))
    rows = [
        row([name, *(f"{count:,}" if count else "·" for count in line)], range(1, 99))
        for name, line in zip(names, evidence.recognised.confusion, strict=True)
    ]
    return table(heads, rows, range(1, 99))


def groups(found: Sequence[Group], head: str) -> str:
    """Return the figures of each part: of the candidates, and of the entries that were taken."""
    heads = (head, "candidates", "log loss", "of shares alone", "trades", "won", "mean net", "standard error", "sum")
    return table(heads, [row(_group(each), range(1, 9)) for each in found], range(1, 9))


def _group(each: Group) -> list[str]:
    losses = (f"{each.rows:,}", number(each.log_loss, 4), number(each.log_loss_of_shares, 4))
    return [_words(each.name), *losses, *_signals("", each.signals)[1:6]]


def folds(found: Sequence[OfFold]) -> str:
    """Return the spans of the folds, and what the entries of each brought."""
    heads = ("fold", "spans (UTC)", "trades", "won", "mean net", "standard error", "sum")
    rows = [
        row([str(at), fold.words, *_signals("", fold.signals)[1:6]], range(2, 7)) for at, fold in enumerate(found, 1)
    ]
    return table(heads, rows, range(2, 7))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(name: str) -> str:
    """Return a class as the head of a narrow column.

    >>> _short("head and shoulders"), _short("none")
    ('hea and sho', 'none')
    """
    words = name.split()
    return name if len(words) == 1 else " ".join(word[:3] for word in words)
