# SPDX-License-Identifier: Apache-2.0
"""Classify the rows of a CSV file whose first line names the columns: python example.py FILE"""

import csv
import json
import sys

import numpy as np
import onnxruntime
from features import features

labels = json.load(open("labels.json", encoding="utf-8"))
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig", newline="")))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
print("row,prediction,confidence")
for start in range(0, len(rows), 256):
    scores = session.run(None, {"inputs": features(rows[start : start + 256], labels)})[0].astype(float)
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    answers = [[row, labels["classes"][each.argmax()], float(each.max())] for row, each in enumerate(shares, start + 1)]
    csv.writer(sys.stdout, lineterminator="\n").writerows(answers)
