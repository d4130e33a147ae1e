"""House rules no linter knows: each module is one rule, and its tests plant the offence."""
