# SPDX-License-Identifier: Apache-2.0
"""Classify the rows of a CSV file whose first line names the columns: python example.py FILE"""

import csv
import json
import sys

import numpy as np
import onnxruntime

labels = json.load(open("labels.json", encoding="utf-8"))
rows, parts = list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig", newline=""))), []
for column in labels["columns"]:
    cells = [row[column["name"]].strip() for row in rows]
    gone = [cell in labels["missing"] for cell in cells]
    if column["form"] == "number":
        parts += [[column["median"] if no else float(c.replace(labels["decimal"], ".")) for c, no in zip(cells, gone)]]
    else:
        parts += [[cell == name and not no for cell, no in zip(cells, gone)] for name in column["categories"]]
        parts += [[not no and cell not in column["categories"] for cell, no in zip(cells, gone)]] * column["has_rare"]
    parts += [gone] * column["has_missing"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
print("row,prediction,confidence")
for start in range(0, len(rows), 256):
    scores = session.run(None, {"inputs": np.array(parts, labels["precision"]).T[start : start + 256]})[0].astype(float)
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    answers = [[row, labels["classes"][each.argmax()], float(each.max())] for row, each in enumerate(shares, start + 1)]
    csv.writer(sys.stdout, lineterminator="\n").writerows(answers)
