# SPDX-License-Identifier: Apache-2.0
"""Assay: every model family on every task, before and after compression, in one report."""
