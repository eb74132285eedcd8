"""The root page: what this is, for a person who opens the port in a browser."""

from __future__ import annotations

from html import escape
from typing import Any

from trader.exchange.embedded.options import time_text

GENERATED = "This market is generated: its prices are invented and mean nothing."
STORED = "This market is a replay of stored candles: it has happened."


def root_page(state: dict[str, Any], base: str) -> str:
    """Return the page as HTML."""
    rows = {
        "Market": GENERATED if state["generated"] else STORED,
        "Source": state["source"],
        "Symbols": ", ".join(
            f"{market}: {' '.join(symbols) or 'none'}" for market, symbols in state["symbols"].items()
        ),
        "Time of the play": f"{time_text(state['now'])}, from {time_text(state['start'])} to {time_text(state['end'])}",
        "Speed": f"{state['speed']} (seconds of the market per second)",
        "State": "ended" if state["ended"] else "playing" if state["started"] else "waiting for the start",
        "Connections": str(state["connections"]),
        "Spot": f"{base}/api/v3, {base.replace('http', 'ws')}/ws",
        "USD-M": f"{base}/fapi/v1, {base.replace('http', 'ws')}/market/ws",
        "Control": f"{base}/control/state",
    }
    body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
    style = "body{font:16px sans-serif;margin:2em}th{text-align:left;padding-right:2em;vertical-align:top}"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Embedded exchange</title>"
        f"<style>{style}</style><h1>Embedded exchange</h1><table>{body}</table></html>"
    )
