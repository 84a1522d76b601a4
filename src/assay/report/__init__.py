"""The report of a suite: one HTML page, tidy CSV files, Markdown and the figures as SVG, from files alone."""
