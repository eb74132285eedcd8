"""Why a day of real orders was not what a backtest of it is: trade by trade, each difference with cause and cost."""
