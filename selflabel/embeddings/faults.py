"""Faults of libraries that run networks, as a part of a sentence."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, at most 200 characters, or its kind where it says nothing."""
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
