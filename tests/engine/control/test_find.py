"""Which daemon is meant: the one that runs, or the one that `MODE` and `MARKET` name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from trader.core.errors import TraderError
from trader.engine.control.find import find_daemon
from trader.engine.live.lock import only_daemon
from trader.engine.settings import Loaded, load


@contextmanager
def running(data: Path, *homes: str) -> Iterator[None]:
    """Let daemons run below `data`, as far as their locks tell."""
    with ExitStack() as locks:
        for home in homes:
            locks.enter_context(only_daemon(data / "live" / home / "trader.lock"))
        yield


def asked(data: Path, **settings: str) -> Loaded:
    """Return the settings of somebody who asks."""
    return load({"DATA_DIR": str(data), **settings}, root=data, environ={})


def test_the_only_one_is_meant_unless_another_is_named(tmp_path: Path) -> None:
    with running(tmp_path, "paper-futures"):
        assert find_daemon(asked(tmp_path)).home == tmp_path / "live" / "paper-futures"
        assert find_daemon(asked(tmp_path, MARKET="futures")).mode == "paper"
        with pytest.raises(TraderError, match=r"no daemon of MODE=embedded runs below .*; there runs: paper-futures"):
            find_daemon(asked(tmp_path, MODE="embedded"))


def test_where_several_run_the_settings_choose_or_it_is_said_how(tmp_path: Path) -> None:
    with running(tmp_path, "embedded-spot", "paper-futures", "paper-spot"):
        assert find_daemon(asked(tmp_path, MODE="embedded")).home.name == "embedded-spot"
        assert find_daemon(asked(tmp_path, MODE="paper", MARKET="futures")).home.name == "paper-futures"
        with pytest.raises(TraderError, match=r"2 daemons run .*process \d+\): --mode paper --set MARKET=spot"):
            find_daemon(asked(tmp_path, MODE="paper"))
        with pytest.raises(TraderError, match="3 daemons run"):
            find_daemon(asked(tmp_path))


def test_one_that_has_ended_does_not_count(tmp_path: Path) -> None:
    with running(tmp_path, "embedded-spot"):
        pass
    with pytest.raises(TraderError, match="no daemon runs below"):
        find_daemon(asked(tmp_path))
    with pytest.raises(TraderError, match="no daemon runs below"):
        find_daemon(asked(tmp_path / "nowhere"))
