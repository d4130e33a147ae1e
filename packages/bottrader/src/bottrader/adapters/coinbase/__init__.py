"""Coinbase Advanced Trade: requests (`rest`), streams (`stream`), and what both stand on."""
