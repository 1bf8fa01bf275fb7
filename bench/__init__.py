"""Measurements that are too slow for the tests."""

# First of all: it pins the processor's kernels.
import selflabel as selflabel
