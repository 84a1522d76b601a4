# SPDX-License-Identifier: Apache-2.0
"""Tag the words of sentences, one per line, separated by spaces: python example.py FILE"""

import json
import sys

import numpy as np
import onnxruntime

labels = json.load(open("labels.json", encoding="utf-8"))
lines = [line.split() for line in open(sys.argv[1], encoding="utf-8-sig", newline="\n")]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
def shape(word):
    if word.startswith(("@", "#")) or "http" in word:
        return "address"
    if any(map(str.isdigit, word)) or not any(map(str.isalpha, word)):
        return "number" if any(map(str.isdigit, word)) else "mark"
    if word.islower() or word.isupper():
        return "lower" if word.islower() else "upper" if len(word) > 1 else "letter"
    return "title" if word[0].isupper() and word[1:].islower() else "mixed"
print("row,prediction")
for start in range(0, len(lines), 256):
    ids = np.zeros((len(lines[start : start + 256]), *labels["shape"]), np.int64)
    for row, word in ((row, word) for sentence, line in zip(ids, lines[start:]) for row, word in zip(sentence, line)):
        known = [labels["characters"].get(symbol, 1) for symbol in (f"[{shape(word)}]", *word)]
        row[: 1 + len(known)] = [labels["words"].get(word.lower(), 1), *known][: len(row)]
    (scores,) = session.run(None, {"inputs": ids})
    for number, (line, tags) in enumerate(zip(lines[start:], scores.argmax(2)), start + 1):
        print(number, " ".join(labels["classes"][tag] for tag in tags[: len(line)]), sep=",")
