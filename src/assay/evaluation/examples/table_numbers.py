# SPDX-License-Identifier: Apache-2.0
"""Predict a number for each row of a CSV file whose first line names the columns: python example.py FILE"""

import csv
import json
import sys

import onnxruntime
from features import features

labels = json.load(open("labels.json", encoding="utf-8"))
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig", newline="")))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
print("row,prediction")
for start in range(0, len(rows), 256):
    (found,) = session.run(None, {"inputs": features(rows[start : start + 256], labels)})
    for row, number in enumerate(found[:, 0].tolist(), start + 1):
        print(row, number, sep=",")
