"""The page on which people label: its server, and the rounds that it plays while they answer."""
