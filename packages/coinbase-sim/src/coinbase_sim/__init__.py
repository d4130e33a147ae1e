"""A simulated Coinbase Advanced Trade exchange."""
