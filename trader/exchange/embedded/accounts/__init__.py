"""Who trades: accounts with their keys, the checks at the door, exact balances, order counters, events for users."""
