"""Numbers that count up: of orders, lists, trades."""

from __future__ import annotations


class Numbers:
    """Gives each number once, from `coming` on.

    >>> numbers = Numbers()
    >>> next(numbers), next(numbers), numbers.coming
    (1, 2, 3)
    """

    def __init__(self, coming: int = 1) -> None:
        self.coming = coming

    def __next__(self) -> int:
        self.coming += 1
        return self.coming - 1
