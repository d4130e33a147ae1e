"""The revisions, oldest first by name. A published revision is never edited: a later one changes what it made."""
