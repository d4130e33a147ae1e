"""People are told through Apprise, which knows how Slack, Telegram, mail and a hundred others are spoken to."""
