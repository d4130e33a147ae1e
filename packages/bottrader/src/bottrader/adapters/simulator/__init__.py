"""The simulated exchange, started inside the bot's own process for paper trading."""
