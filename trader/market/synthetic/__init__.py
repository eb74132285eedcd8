"""A generated market: it looks like one, plays the part of one, and says of itself that nobody ever traded in it.

How it is made, from slow to fast:

1. `shapes`: blocks of 4 days are filled with trends, each followed by a chart pattern or a range; sizes go from an
   hour to days. A pattern breaks out the way it points more often than not, and the next trend goes on that way
   somewhat more often. So patterns occur as they do in books: results on this market prove the program, no strategy.
2. `path`: between the corners the price walks at random; volatility comes in clusters, by hours and by phase. Coins
   follow one market in most blocks and share part of their noise, so they are correlated.
3. `tape`: each minute has trades on that path, on the tick and step of the symbol, with ids that have no holes.
4. `market`: candles of all timeframes are made from these trades by the code that makes them from real ones.

Everything is a function of seed, symbol and time: any span can be asked for in any order, years before and ahead.
"""

from trader.market.synthetic.market import SyntheticMarket

__all__ = ["SyntheticMarket"]
