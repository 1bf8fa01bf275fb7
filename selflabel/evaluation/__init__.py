"""Where the truth is known: metrics, tables, plots, the study, and comparisons between runs."""
