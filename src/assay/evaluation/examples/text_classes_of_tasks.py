# SPDX-License-Identifier: Apache-2.0
"""Classify texts, one per line, each after its task and a tab: python example.py FILE"""

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
    tasks, texts = zip(*(line.split("\t", 1) for line in lines[start : start + 256]))
    ids = np.zeros((len(texts), labels["length"]), np.int64)
    for row, text in zip(ids, tokenizer.encode_batch([" ".join(text.split()) for text in texts])):
        row[: len(text.ids)] = text.ids[: len(row)]
    (logits,) = session.run(None, {"inputs": ids})
    for row, task in zip(logits, tasks):
        row[: labels["groups"][task][0]] = row[labels["groups"][task][1] :] = -1e4
    shares = np.exp(logits.astype(float) - logits.astype(float).max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    for row, (name, share) in enumerate(zip(shares.argmax(1), shares.max(1)), start + 1):
        table.writerow([row, labels["classes"][name], float(share)])
