"""What an indicator refuses to be made of or fed with."""

from typing import NoReturn


def check_window(window: int) -> None:
    """Refuse a window that holds no candle.

    Raises:
        ValueError: when the window is below 1.
    """
    if window < 1:
        raise ValueError(f"an indicator's window is at least 1 candle, was {window}")


def refuse(figure: float) -> NoReturn:
    """Refuse a price or volume that is NaN or infinite; one of them would stay in a smoothed mean for ever.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"a price or volume is finite, was {figure}")
