"""How orders meet the play's prices: quotes for those that take, bars for those that wait."""
