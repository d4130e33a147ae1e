"""Trades and tax lots as files: what people bring along, and what they hand on. Needs no database."""
