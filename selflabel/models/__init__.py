"""Classifiers: fit, score, calibrate, and a student that learns from them. What is fitted knows no rounds."""
