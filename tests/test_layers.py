"""The order of the layers holds in `trader/`, and the check notices when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layers import ORDER, broken
from tests.shared import ROOT


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write a small package `trader` and return its folder."""
    for name, text in files.items():
        path = root / "trader" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "trader"


def test_packages_import_only_from_those_above_them() -> None:
    faults = broken(ROOT / "trader")
    assert not faults, "\n".join([*faults, "", f"The order, each may use those before it: {' > '.join(ORDER)}"])


def test_a_tree_in_order_has_no_faults(tmp_path: Path) -> None:
    files = {
        "core/words.py": "import math\nfrom typing import Any\n",
        "market/ring.py": "import numpy\nfrom trader.core import words\nfrom trader.core.words import Any\n",
        "exchange/binance/rest.py": "import asyncio\nfrom binance import AsyncClient\nfrom . import codec\n",
        "exchange/binance/codec.py": "from trader.core import words\n",
        "engine/__init__.py": "from trader.engine.live import run\n",
        "engine/live.py": "import time\nfrom trader.exchange.binance.rest import x\n",
    }
    assert broken(tree(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("core/a.py", "from trader.market import ring\n", "core imports market, which is below it"),
        ("core/a.py", "import trader.engine.live\n", "core imports engine, which is below it"),
        ("engine/a.py", "from trader import reports\n", "engine imports reports, which is below it"),
        ("trading/a.py", "from ..simulation import broker\n", "trading imports simulation, which is below it"),
        ("trading/a.py", "import time\n", "trading imports time, and nothing above the glass floor"),
        ("simulation/a.py", "from asyncio import sleep\n", "simulation imports asyncio, and nothing above"),
        ("market/a.py", "import urllib.request\n", "market imports urllib, and nothing above"),
        ("metrics.py", "import socket\n", "metrics imports socket, and nothing above"),
        ("engine/a.py", "import binance\n", "engine.a imports binance, which only trader/exchange/binance knows"),
        ("exchange/a.py", "from binance.client import Client\n", "exchange.a imports binance"),
        ("exchange/binance_like/a.py", "import binance\n", "exchange.binance_like.a imports binance"),
        ("core/a.py", "def f():\n    import math\n", "math is imported inside a function"),
        (
            "core/a.py",
            "class A:\n    async def f(self):\n        from typing import Any\n",
            "is imported inside a function",
        ),
        ("gossip/a.py", "import math\n", "trader/gossip has no layer yet"),
    ],
)
def test_what_breaks_the_order_is_named_with_its_line(tmp_path: Path, file: str, text: str, fault: str) -> None:
    faults = broken(tree(tmp_path, {file: text}))
    line = text.count("\n")
    assert faults
    assert all(f"trader/{file}:{line}: " in each for each in faults)
    assert any(fault in each for each in faults)


def test_an_import_for_types_alone_counts_too(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from trader.engine import live\n"
    assert "core imports engine" in broken(tree(tmp_path, {"core/a.py": text}))[0]


def test_a_cycle_of_modules_is_named_from_end_to_end(tmp_path: Path) -> None:
    files = {
        "core/__init__.py": "",
        "core/a.py": "from trader.core.b import x\n",
        "core/b.py": "from trader.core import c\n",
        "core/c.py": "from trader.core import a\n",
        "core/d.py": "from trader.core import a, c\n",
    }
    assert broken(tree(tmp_path, files)) == [
        "import cycle: trader.core.a -> trader.core.b -> trader.core.c -> trader.core.a"
    ]


def test_a_module_that_imports_its_own_package_back_is_a_cycle(tmp_path: Path) -> None:
    files = {"core/__init__.py": "from trader.core.a import x\n", "core/a.py": "from trader.core import y\n"}
    assert broken(tree(tmp_path, files)) == ["import cycle: trader.core -> trader.core.a -> trader.core"]
