# SPDX-License-Identifier: Apache-2.0
"""The features of a table's rows, from their cells as texts; example.py imports it.

A date is YYYY-MM-DD, with or without a time, YYYYMMDD, or three numbers such as 02/03/2026.
"""

import re
from collections import Counter

import numpy as np

ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?")
DIGITS = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
YEAR_LAST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
PERIODS = {"year": 365.2425, "week": 7.0, "day": 1.0}  # in days


def features(rows, labels):
    """Return the features (N, F) of rows, which hold their cells by the names of the columns."""
    parts = []
    for column in labels["columns"]:
        cells = [row[column["name"]].strip() for row in rows]
        gone = np.array([cell in labels["missing"] for cell in cells])
        parts += FORMS[column["form"]](column, cells, gone, labels)
    return np.column_stack(parts).astype(labels["precision"])


def number(column, cells, gone, labels):
    plain = [0.0 if no else float(cell.replace(labels["decimal"], ".")) for cell, no in zip(cells, gone)]
    return filled(column, np.array(plain), gone)


def filled(column, numbers, gone):
    return [np.where(gone, column["median"], numbers), *[gone] * column["has_missing"]]


def date(column, cells, gone, labels):
    days = [0.0 if no else day(cell, labels["day_first"]) for cell, no in zip(cells, gone)]
    found = filled(column["number"], np.array(days), gone)
    for name in column["periods"]:
        angles = 2 * np.pi * (found[0] % PERIODS[name]) / PERIODS[name]
        found += [np.sin(angles), np.cos(angles)]
    return found


def day(text, day_first):
    """Return a date as days since 1970-01-01."""
    if not ISO.fullmatch(text):
        text = "-".join(f"{part:02}" for part in year_month_day(text, day_first))
    return np.datetime64(text, "s").astype(np.int64) / 86400


def year_month_day(text, day_first):
    if match := DIGITS.fullmatch(text) or YEAR_FIRST.fullmatch(text):
        return [int(part) for part in match.groups()]
    if not (match := YEAR_LAST.fullmatch(text)):
        raise ValueError(f"{text!r} is not a date such as 2026-01-31")
    first, _, second, year = match.groups()
    years = int(year) + (0 if len(year) == 4 else 1900 if int(year) >= 69 else 2000)
    return (years, int(second), int(first)) if day_first else (years, int(first), int(second))


def category(column, cells, gone, _labels):
    known = [np.array([cell == name for cell in cells]) & ~gone for name in column["categories"]]
    rare = np.array([cell not in column["categories"] for cell in cells]) & ~gone
    return [*known, *[rare] * column["has_rare"], *[gone] * column["has_missing"]]


def target(column, cells, gone, _labels):
    means = [
        column["missing"] if no else column["means"].get(cell, column["mean"]) for cell, no in zip(cells, gone)
    ]
    return [np.array(means)]


def text(column, cells, gone, _labels):
    words = [[] if no else re.findall(r"\w+", cell.lower()) for cell, no in zip(cells, gone)]
    places = {word: place for place, word in enumerate(column["words"])}
    weights = np.zeros((len(cells), len(places)))  # TF-IDF
    for row, found in enumerate(words):
        for word, count in Counter(found).items():
            if word in places:
                weights[row, places[word]] = count
    weights *= column["weights"]
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    components = np.array(column["components"]).reshape(len(column["components"]), len(places))
    reduced = weights / np.where(lengths > 0, lengths, 1.0) @ components.T
    return [np.array([len(found) for found in words]), reduced, *[gone] * column["has_missing"]]


FORMS = {"number": number, "date": date, "category": category, "target": target, "text": text}
