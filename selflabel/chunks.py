"""Rows in portions, so that memory stays flat."""


def chunks(n_rows: int, size: int) -> list[slice]:
    """Return slices of at most ``size`` rows that together are rows 0..n_rows−1."""
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
