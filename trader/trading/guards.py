"""What forbids or shrinks entries: pauses, streaks, daily loss, drawdown (trading-rules, section 7).

Each guard reads the books at T and changes `Guards`; what went on or off is told to the audience in words.
"""

from __future__ import annotations

from collections.abc import Sequence

from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from trader.trading.book import Book
from trader.trading.notes import GuardChanged

#: Reasons under which everything closes; the first named wins when both apply.
KILL_SWITCH, DRAWDOWN = "kill_switch", "drawdown"
#: Who throws the kill switch: a person's command, or the file that is there.
BY_PERSON, BY_FILE = "person", "file"


def update_accounts(book: Book, time: int) -> None:
    """Bring equity, peak and the day's first equity to T from the closes of the exit streams (step 3).

    The day of T is the UTC day of T - 1 ms: a candle that closes at midnight belongs to the day that ends.
    """
    guards, pool = book.guards, book.pool
    day = (time - 1) // DAY_MS
    if day != guards.day:
        guards.day, guards.day_first_equity, guards.day_lost = day, pool.equity, False
    pool.equity = book.check()
    if pool.equity > guards.peak:
        guards.peak = pool.equity


def drawdown_of(book: Book) -> float:
    """Return how far equity is below its peak, as a fraction of the peak."""
    peak = book.guards.peak
    return (peak - book.pool.equity) / peak if peak > 0 else 0.0


def judge(settings: Settings, book: Book, time: int) -> list[GuardChanged]:
    """Judge the guards behind a person's commands, in their order: cooldown, daily limit, drawdown (step 4)."""
    return [
        *judge_streak(settings, book, time),
        *judge_day(settings, book, time),
        *judge_drawdown(settings, book, time),
    ]


def obey(book: Book, action: str, time: int, by: str = "") -> Sequence[GuardChanged]:
    """Carry out a person's command: pause, resume, kill, lift; `by` is who kills or lifts, "" a person."""
    guards = book.guards
    if action == "pause" and not guards.paused_by_person:
        guards.paused_by_person = True
        return [GuardChanged(time, "paused", True, "a person paused entries")]
    if action == "resume" and guards.paused:
        guards.paused_by_person = False
        _end_drawdown_pause(book)
        return [GuardChanged(time, "paused", False, "a person resumed entries")]
    if action == "kill":
        return _throw(book, by or BY_PERSON, time)
    if action == "lift" and guards.killed:
        return _lift(book, by or BY_PERSON, time)
    return ()


def is_thrown_by(book: Book, by: str) -> bool:
    """Tell whether someone has thrown the kill switch, or has a command waiting that will."""
    waiting = any(command.action == "kill" and command.name == by for command in book.commands)
    return waiting or by in book.guards.killed_by


def _throw(book: Book, by: str, time: int) -> Sequence[GuardChanged]:
    guards = book.guards
    if by not in guards.killed_by:
        guards.killed_by = [*guards.killed_by, by]
    if guards.killed:
        return ()
    guards.killed = True
    return [GuardChanged(time, KILL_SWITCH, True, "kill switch: everything closes, no entries until it is lifted")]


def _lift(book: Book, by: str, time: int) -> Sequence[GuardChanged]:
    guards = book.guards
    guards.killed_by = [each for each in guards.killed_by if each != by]
    if guards.killed_by:
        return ()
    guards.killed = False
    return [GuardChanged(time, KILL_SWITCH, False, "the kill switch was lifted")]


def judge_streak(settings: Settings, book: Book, time: int) -> Sequence[GuardChanged]:
    """End a cooldown that is over, then start one when the losses in a row call for it.

    A cooldown ends also when the rule was switched off meanwhile.
    """
    rule, guards = settings.LOSING_STREAK_PROTECTION, book.guards
    if guards.streak < rule.stop_trading_after and not guards.cooldown_until:
        return ()
    changes = []
    if guards.cooldown_until and time >= guards.cooldown_until:
        guards.cooldown_until = 0
        guards.streak = min(guards.streak, rule.reduce_risk_after)
        changes.append(GuardChanged(time, "cooldown", False, "the cooldown is over"))
    if rule.enable and not guards.cooldown_until and guards.streak >= rule.stop_trading_after:
        guards.cooldown_until = time + int(rule.cooldown_minutes * MINUTE_MS)
        minutes = f"{rule.cooldown_minutes:g} minutes"
        text = f"{guards.streak} losses in a row: no entries for {minutes}"
        changes.append(GuardChanged(time, "cooldown", True, text))
    return changes


def judge_day(settings: Settings, book: Book, time: int) -> Sequence[GuardChanged]:
    """Stop entries for the rest of the UTC day once it has lost its share; also when it recovers."""
    limit, guards = settings.DAILY_LOSS_LIMIT, book.guards
    if not limit or guards.day_lost or book.pool.equity > guards.day_first_equity * (1 - limit):
        return ()
    guards.day_lost = True
    text = f"equity {book.pool.equity:.2f} is {limit:.1%} or more below the day's first {guards.day_first_equity:.2f}"
    return [GuardChanged(time, "daily_loss", True, f"{text}: no entries until the UTC day ends")]


def judge_drawdown(settings: Settings, book: Book, time: int) -> Sequence[GuardChanged]:
    """Let a drawdown pause end by itself where set, then hold the drawdown against its thresholds."""
    rule, guards = settings.DRAWDOWN_PROTECTION, book.guards
    guards.drawdown_factor = 1.0
    if not rule.enable or (book.pool.equity >= guards.peak and not guards.drawdown_pause):
        return ()
    changes = []
    hours = rule.resume_after_hours
    if guards.drawdown_pause and hours is not None and time >= guards.paused_at + int(hours * HOUR_MS):
        _end_drawdown_pause(book)
        changes.append(GuardChanged(time, DRAWDOWN, False, f"the drawdown pause ended after {hours:g} hours"))
    drawdown = drawdown_of(book)
    if drawdown > rule.reduce_at:
        guards.drawdown_factor = rule.risk_multiplier
    wanted = "close" if drawdown > rule.close_at else "pause" if drawdown > rule.pause_at else ""
    if wanted and guards.drawdown_pause not in (wanted, "close"):
        guards.paused_at = guards.paused_at if guards.drawdown_pause else time
        guards.drawdown_pause = wanted
        changes.append(GuardChanged(time, DRAWDOWN, True, _drawdown_text(drawdown, wanted)))
    return changes


def closes_everything(settings: Settings, book: Book) -> str:
    """Return the reason for which everything closes now, or ""."""
    if book.guards.killed:
        return KILL_SWITCH
    if not book.guards.drawdown_pause:  # judged before: a drawdown that closes everything has paused entries
        return ""
    rule = settings.DRAWDOWN_PROTECTION
    return DRAWDOWN if rule.enable and drawdown_of(book) > rule.close_at else ""


def awaits_time(settings: Settings, book: Book) -> bool:
    """Tell whether a guard is on that time alone will end."""
    resumes = settings.DRAWDOWN_PROTECTION.resume_after_hours is not None
    return bool(book.guards.cooldown_until or (book.guards.drawdown_pause and resumes))


def _end_drawdown_pause(book: Book) -> None:
    if book.guards.drawdown_pause:
        book.guards.drawdown_pause = ""
        book.guards.paused_at = 0
        book.guards.peak = book.pool.equity


def _drawdown_text(drawdown: float, wanted: str) -> str:
    what = "everything closes, then entries pause" if wanted == "close" else "entries pause until a person resumes"
    return f"drawdown {drawdown:.1%} from the peak: {what}"
