"""Assay: every model family on every task, before and after compression, in one report."""
