"""What the bot does, one use case a file; each may await ports and owns its transactions, none knows a vendor."""
