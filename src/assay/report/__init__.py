"""The report of a suite: one HTML page, tidy CSV files, Markdown and the figures as SVG, from files alone."""

from assay.report.build import build
from assay.report.tables import metrics_by_row

__all__ = ["build", "metrics_by_row"]
