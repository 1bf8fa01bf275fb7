"""One round: which machine labels are accepted, which images a person is asked about, when to stop."""
