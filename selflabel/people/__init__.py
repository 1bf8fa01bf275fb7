"""What the people who answer hand in, and what they are told."""
