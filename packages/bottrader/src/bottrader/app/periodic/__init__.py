"""Daily and weekly reports: what they are made of, and how they are made from the facts."""
