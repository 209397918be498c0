"""Ratios against named alternatives, each measured within one run."""
