"""`bottrader halt`, `resume`, `flatten`: the kill switch by the words of someone in a hurry."""

from bottrader.cli.kill_command import Reason, turn_off, turn_on
from bottrader.cli.options import ConfigFile


def halt(reason: Reason = "by hand", config: ConfigFile = None) -> None:
    """Stop every entry, at once and across restarts; positions stay protected. The same as `bottrader kill on`."""
    turn_on(reason=reason, flatten=False, config=config)


def resume(reason: Reason = "by hand", config: ConfigFile = None) -> None:
    """Allow entries again; a KILL file has to be removed by hand. The same as `bottrader kill off`."""
    turn_off(reason=reason, config=config)


def flatten(reason: Reason = "by hand", config: ConfigFile = None) -> None:
    """Stop every entry and have the running bot sell all it holds. The same as `bottrader kill on --flatten`."""
    turn_on(reason=reason, flatten=True, config=config)
