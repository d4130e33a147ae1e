"""Python runs this at the start of each program that a test starts; see `tests/guards/exchange_hosts.py`."""

# Both are beside this file, and this folder is on the path of the child.
import egress_hook  # type: ignore[import-not-found]
import exchange_hook  # type: ignore[import-not-found]

exchange_hook.install()
egress_hook.install()
