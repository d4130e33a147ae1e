"""The bot: see ARCHITECTURE.md for the rooms."""
