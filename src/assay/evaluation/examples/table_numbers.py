# SPDX-License-Identifier: Apache-2.0
"""Predict a number for each row of a CSV file whose first line names the columns: python example.py FILE"""

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
        rare = [cell not in column["categories"] and not no for cell, no in zip(cells, gone)]
        parts += [rare] * column["has_rare"]
    parts += [gone] * column["has_missing"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
print("row,prediction")
for start in range(0, len(rows), 256):
    (found,) = session.run(None, {"inputs": np.array(parts, labels["precision"]).T[start : start + 256]})
    for row, number in enumerate(found[:, 0].tolist(), start + 1):
        print(row, number, sep=",")
