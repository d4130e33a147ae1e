"""Signals over HTTP: the listener that takes them in and the sender that carries them."""
