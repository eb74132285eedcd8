"""Write the figures of docs/model-card.md from the model that ships: `python -m docs.model_card`.

The card is prose with marked blocks. Each block is made from `metadata.json` and `report.json` of the version in use
and from nothing else; `tests/test_model_card.py` makes them again and compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

import config
from trader.core.timeframe import DAY_MS, Timeframe, utc
from trader.ml.pattern_model import RECOGNISER, SUCCESS
from trader.ml.registry.metadata import Description, Span
from trader.ml.registry.store import Registry, Stored

CARD = Path(__file__).with_name("model-card.md")
MODELS, NAME = Path(__file__).parents[1] / "models", "patterns"
#: Inputs that are named as those that count most.
MOST = 5

Figures = dict[str, Any]
Lines = list[str]


class Told(msgspec.Struct, frozen=True):
    """What the card is made from: the version, and `report.json` as it stands there; what is undefined is None."""

    stored: Stored
    verdict: Figures
    evidence: Figures

    @property
    def description(self) -> Description:
        """Return what the training said of the model."""
        return self.stored.metadata.description


def told_by(models: Path = MODELS) -> Told:
    """Return what the version in use of the model that ships says of itself."""
    stored = Registry(models).open(NAME)
    report = msgspec.json.decode(stored.read("report.json"))
    return Told(stored, report["verdict"], report["evidence"])


def filled(card: str, told: Told) -> str:
    """Return the text of the card with every block made anew."""
    for name, make in BLOCKS.items():
        block = "\n".join([f"<!-- {name} -->", *make(told), "<!-- end -->"])
        card = re.sub(rf"<!-- {name} -->\n.*?<!-- end -->", lambda _, block=block: block, card, flags=re.DOTALL)
    return card


# --- the blocks -----------------------------------------------------------------------------------------------------


def verdict(told: Told) -> Lines:
    """Return the verdict and what is missing for an edge."""
    missing = [f"> Missing for an edge: {words}." for words in told.verdict["missing"]]
    return [f"> **{told.verdict['words']}**", *(line for words in missing for line in (">", words))]


def identity(told: Told) -> Lines:
    """Return who the model is."""
    description, metadata = told.description, told.stored.metadata
    libraries = ", ".join(f"{name} {version}" for name, version in description.libraries.items())
    size = sum(each.size for each in metadata.files.values())
    return table(
        ("", ""),
        [
            ("version", f"`{told.stored.reference}`"),
            ("trained", utc(description.created)),
            ("inputs", f"{len(description.inputs.names)}, the same for each of {', '.join(_timeframes(told))}"),
            ("files", f"{len(metadata.files)}, {size:,} bytes"),
            ("digest of what it learned from", f"`{description.data_sha256[:16]}…`"),
            ("trials", str(description.trials)),
            ("libraries", libraries),
        ],
    )


def data(told: Told) -> Lines:
    """Return what the candles of each coin were used for."""
    names = {"train": "learned from", "calibrate": "calibrated on", "test": "folds tested on"}
    rows = []
    for use, words in names.items():
        for coin in _coins(told):
            own = [each for each in told.description.spans if (each.use, each.coin) == (use, coin)]
            rows.append((words, own[0].market, coin, *_ends(own), f"{sum(each.rows for each in own):,}"))
    return table(("use", "market", "coin", "from", "to", "candidates"), rows)


def recogniser(told: Told) -> Lines:
    """Return how well candidates were recognised."""
    evidence = told.evidence
    parts = [("all", evidence["recognised"]), ("before the break", evidence["early"])]
    parts += [(_fold(each), each["recognised"]) for each in evidence["folds"]]
    names = ("log_loss", "log_loss_of_shares", "brier", "brier_of_shares", "calibration_error", "macro_f1")
    heads = ("", "candidates", "log loss", "of shares", "Brier", "of shares", "calibration error", "mean F1")
    return table(heads, [(name, f"{each['rows']:,}", *_numbers(each, names)) for name, each in parts])


def classes(told: Told) -> Lines:
    """Return the scores of each class, in all and before the break."""
    evidence, names = told.evidence, ("precision", "recall", "f1")
    scores = (evidence["recognised"]["classes"], evidence["early"]["classes"])
    rows = [
        (f"`{name}`", *(word for each in both for word in (f"{each['rows']:,}", *_numbers(each, names))))
        for name, *both in zip(evidence["classes"], *scores, strict=True)
    ]
    heads = ("class", "candidates", "precision", "recall", "F1", "before the break", "precision", "recall", "F1")
    return table(heads, rows)


def success(told: Told) -> Lines:
    """Return how well it was known which entries win."""
    evidence = told.evidence
    parts = [("all", evidence["chances"])] + [(_fold(each), each["chances"]) for each in evidence["folds"]]
    rows = [
        (
            name,
            f"{each['entries']:,}",
            percent(each["won"], 1),
            *_numbers(each, ("log_loss", "log_loss_of_share", "calibration_error")),
            percent(each["expected"]),
            percent(each["net"]),
        )
        for name, each in parts
    ]
    heads = ("", "entries", "won", "log loss", "of share", "calibration error", "net expected", "net that came")
    return table(heads, rows)


def trading(told: Told) -> Lines:
    """Return what the signals brought, beside geometry and chance."""
    evidence, chance = told.evidence, told.evidence["chance"]
    rows = [_signals("this model", evidence["signals"], number(chance["p_value"], 4))]
    rows.append(_signals("geometry", evidence["geometry"], ""))
    random = (f"random, {chance['draws']:,} draws", "", "", percent(chance["mean"]), percent(chance["deviation"]), "")
    rules = ", ".join(f"`{name}` {value:g}" for name, value in evidence["rules"].items())
    span = f"from {utc(evidence['start'])} to {utc(evidence['end'])}"
    return [
        f"Entries with {rules}; {span}. Deflated Sharpe for all trials: {number(evidence['deflated'])}.",
        "",
        *table(("each entry alone", "trades", "won", "mean net", "±", "p"), [*rows, random]),
    ]


def pool(told: Told) -> Lines:
    """Return what the whole program brought, and holding."""
    evidence = told.evidence
    rows = [
        (name, f"{each['trades']:,}", *(percent(each[part]) for part in ("net", "result", "drawdown", "costs")))
        for name, each in evidence["pooled"].items()
    ]
    hold = ("buy and hold", "", "", percent(evidence["hold"]), percent(evidence["hold_drawdown"]), "")
    return table(("one pool", "trades", "mean net", "return", "deepest drawdown", "costs / capital"), [*rows, hold])


def looks_at(told: Told) -> Lines:
    """Return the inputs that count most: what is lost when each alone is shuffled."""
    lines = []
    for part, words in ((RECOGNISER, "recogniser"), (SUCCESS, "success model")):
        missed = [each for each in told.evidence["weights"][part] if (each["loss"] or 0.0) > 0.0]
        most = sorted(missed, key=lambda each: (-each["loss"], each["name"]))[:MOST]
        named = [f"`{each['name']}` {number(each['loss'], 4)}" for each in most]
        lines.append(f"- {words}: {', '.join(named) or 'none of them alone'}")
    return lines


def command(told: Told) -> Lines:
    """Return the commands that make it again; what is as `config.py` has it is left out."""
    description, markets = told.description, {each.market for each in told.description.spans}
    start = min(each.start for each in description.spans)
    end = max(each.end for each in description.spans)
    plan = description.parameters["plan"]
    words = [
        f"python start.py train --coins {','.join(_coins(told))}",
        f"--from {_day(start)} --to {_day(end)} --folds {len(description.folds)} --threads {plan['threads']}",
        *([f"--timeframes {','.join(_timeframes(told))}"] if _timeframes(told) != config.TIMEFRAMES else []),
        *([f"--market {','.join(markets)}"] if markets != {config.MARKET} else []),
        *([f"--trials {description.trials}"] if description.trials > 1 else []),
        *([f"--seed {description.seed}"] if description.seed != 1 else []),
    ]
    return ["```", " ".join(words), f"python start.py models show {told.stored.reference}", "```"]


BLOCKS: dict[str, Callable[[Told], Lines]] = {
    make.__name__: make
    for make in (verdict, identity, data, recogniser, classes, success, trading, pool, looks_at, command)
}


# --- words and tables -----------------------------------------------------------------------------------------------


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Lines:
    """Return a table in Markdown."""
    head = list(heads)
    return [f"| {' | '.join(each)} |" for each in (head, ["---"] * len(head), *rows)]


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many decimals; a dash for what is undefined."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 3) -> str:
    """Return a fraction in percent; a dash for what is undefined."""
    return "–" if value is None else f"{100 * value:,.{digits}f} %"


def _numbers(found: Figures, names: Iterable[str]) -> list[str]:
    return [number(found[name]) for name in names]


def _signals(name: str, found: Figures, p_value: str) -> tuple[str, ...]:
    net, error = percent(found["net"]), percent(found["error"])
    return name, f"{found['entries']:,}", percent(found["won"], 1), net, error, p_value


def _fold(found: Figures) -> str:
    return f"{_day(found['test_start'])} to {_day(found['test_end'])}"


def _coins(told: Told) -> list[str]:
    return list(dict.fromkeys(each.coin for each in told.description.spans))


def _timeframes(told: Told) -> list[str]:
    return sorted({each.timeframe for each in told.description.spans}, key=lambda name: Timeframe.parse(name).ms)


def _ends(spans: list[Span]) -> tuple[str, str]:
    return utc(min(each.start for each in spans)), utc(max(each.end for each in spans))


def _day(time: int) -> str:
    """Return the day of a time, ms UTC, and the minute too where it is not midnight."""
    return utc(time)[:10] if time % DAY_MS == 0 else utc(time)[:16]


def main() -> None:
    """Make every block of the card anew."""
    CARD.write_text(filled(CARD.read_text("utf-8"), told_by()), "utf-8")
    print(f"{CARD.name}: {len(BLOCKS)} blocks")


if __name__ == "__main__":
    main()
