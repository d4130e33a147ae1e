"""Python runs this at the start of each program that a test starts; see `tests/guards/exchange_hosts.py`."""

import exchange_hook  # type: ignore[import-not-found]  # beside this file, and this folder is on the path of the child

exchange_hook.install()
