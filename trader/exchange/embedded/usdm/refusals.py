"""What USD-M refuses, in its own codes and words."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.api_error import ApiError

NO_MARGIN = "Margin is insufficient."
NOT_REDUCING = "ReduceOnly Order is rejected."


def unknown_order() -> ApiError:
    """Return -2011: there is nothing to cancel."""
    return ApiError(-2011, "Unknown order sent.")


def no_order() -> ApiError:
    """Return -2013: the order is not known."""
    return ApiError(-2013, "Order does not exist.")


def no_margin() -> ApiError:
    """Return -2019."""
    return ApiError(-2019, NO_MARGIN)


def triggers_now() -> ApiError:
    """Return -2021, which on futures is a stop whose price has come already."""
    return ApiError(-2021, "Order would immediately trigger.")


def not_reducing() -> ApiError:
    """Return -2022, which on futures is an order that was to reduce and cannot."""
    return ApiError(-2022, NOT_REDUCING)


def too_many_orders() -> ApiError:
    """Return -2025."""
    return ApiError(-2025, "Reach max open order limit.")


def too_large() -> ApiError:
    """Return -2027."""
    return ApiError(-2027, "Exceeded the maximum allowable position at current leverage.")


def too_many_stops() -> ApiError:
    """Return -4045."""
    return ApiError(-4045, "Reach max stop order limit.")


def wrong_side() -> ApiError:
    """Return -4061: the order belongs to the other position mode."""
    return ApiError(-4061, "Order's position side does not match user's setting.")


def duplicate() -> ApiError:
    """Return -4116."""
    return ApiError(-4116, "ClientOrderId is duplicated.")


def wrong_service() -> ApiError:
    """Return -4120: conditional orders have an endpoint of their own."""
    text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
    return ApiError(-4120, text)


def far_from_price() -> ApiError:
    """Return -4131."""
    return ApiError(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")


def too_small(least: Decimal) -> ApiError:
    """Return -4164."""
    text = f"Order's notional must be no smaller than {least:f} (unless you choose reduce only)."
    return ApiError(-4164, text)


def too_precise() -> ApiError:
    """Return -1111."""
    return ApiError(-1111, "Precision is over the maximum defined for this asset.")


def not_filled() -> ApiError:
    """Return -5021."""
    text = (
        "Due to the order could not be filled immediately, the FOK order has been rejected. "
        "The order will not be recorded in the order history."
    )
    return ApiError(-5021, text)


def not_making() -> ApiError:
    """Return -5022."""
    text = (
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history."
    )
    return ApiError(-5022, text)
