# SPDX-License-Identifier: Apache-2.0
"""Guess the word that ____ stands for, in one text per line: python example.py FILE"""

import csv
import json
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

labels = json.load(open("labels.json", encoding="utf-8"))
tokenizer = Tokenizer.from_file("tokenizer.json")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
lines = list(open(sys.argv[1], encoding="utf-8-sig", newline="\n"))
table = csv.writer(sys.stdout, lineterminator="\n")
table.writerow(["row", "prediction", "confidence"])
for start in range(0, len(lines), 256):
    ids = np.zeros((len(lines[start : start + 256]), labels["length"]), np.int64)
    for row, line in zip(ids, lines[start : start + 256]):
        before, after = (tokenizer.encode(" ".join(part.split())).ids for part in line.split("____"))
        known = [*before, 2, *after][: len(row)]
        row[: len(known)] = known
    (logits,) = session.run(None, {"inputs": ids})
    scores = logits.astype(float)
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    for row, (name, share) in enumerate(zip(shares.argmax(1), shares.max(1)), start + 1):
        table.writerow([row, labels["classes"][name], float(share)])
