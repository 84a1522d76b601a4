# SPDX-License-Identifier: Apache-2.0
"""The report of a suite: one HTML page, tidy CSV files, Markdown and SVG figures, built from files only."""
