"""What may leave for the exchange while its intention is not on the disk."""

from __future__ import annotations

from trader.core.order import Role

#: What only takes risk away. Lost with the machine, such an order is found at the exchange by its client id.
PROTECTING = frozenset({Role.STOP, Role.TARGET, Role.CLOSE, Role.LIQUIDATION})


def may_leave(role: Role | str, durable: bool) -> bool:
    """Tell whether an order of `role` may be sent: what opens a position only when it is written down for certain.

    >>> may_leave(Role.STOP, False), may_leave(Role.ENTRY, False), may_leave(Role.ENTRY, True)
    (True, False, True)
    """
    return durable or role in PROTECTING
