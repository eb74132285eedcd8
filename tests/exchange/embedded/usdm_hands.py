"""An account on USD-M without sockets: requests go straight to the venue, and are answered at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.exchange.embedded.sources import PLAY_MS, TableSource
from tests.exchange.embedded.traders import pass_minutes, trading
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call


class Hands:
    """The first account of an exchange that holds."""

    def __init__(self, source: TableSource, balances: str = "USDT=10000", **options: Any) -> None:
        plan = ExchangeOptions(start=PLAY_MS, hold=True, trading=trading(balances, **options))
        self.exchange = EmbeddedExchange(plan, source)
        self.venue = self.exchange.trading.venues["futures"]
        self.account = self.exchange.trading.accounts[0]
        self._endpoints = {(each.method, each.path.removeprefix("/fapi/")): each for each in self.venue.endpoints}

    def ask(self, method: str, path: str, **values: Any) -> Any:
        """Return the answer to a request; raise `ApiError` where it is refused."""
        params = Params(self.venue.floor, {name: str(value) for name, value in values.items()})
        with self.venue.floor.clock.still() as now:
            self.venue.advance(now)
            return self._endpoints[method, path].answer(Call(self.account, self.account.keys[0], params))

    def prepared(self, leverage: int = 10, hedge: bool = True, isolated: bool = True, symbol: str = "BTCUSDT") -> None:
        """Set position mode, margin type and leverage."""
        if hedge:
            self.ask("POST", "v1/positionSide/dual", dualSidePosition="true")
        if isolated:
            self.ask("POST", "v1/marginType", symbol=symbol, marginType="ISOLATED")
        self.ask("POST", "v1/leverage", symbol=symbol, leverage=leverage)

    def order(self, **values: Any) -> Any:
        """Place an order."""
        return self.ask("POST", "v1/order", **{"symbol": "BTCUSDT"} | values)

    def algo(self, **values: Any) -> Any:
        """Place a conditional order."""
        return self.ask("POST", "v1/algoOrder", **{"symbol": "BTCUSDT", "algoType": "CONDITIONAL"} | values)

    def pass_minutes(self, minutes: float) -> None:
        """Let time pass."""
        pass_minutes(self.exchange, minutes)

    def trades(self, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        """Return the executions on a symbol."""
        return list(self.ask("GET", "v1/userTrades", symbol=symbol, limit=1000))

    def ledger(self) -> dict[str, Any]:
        """Return what the judge sees."""
        return self.venue.ledger(self.account)

    def wallet(self) -> Decimal:
        """Return the wallet of USDT."""
        return Decimal(self.ledger()["balances"]["USDT"])
