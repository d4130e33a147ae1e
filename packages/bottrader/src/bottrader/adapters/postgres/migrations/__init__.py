"""Alembic's environment; `schema.py` runs it."""
