# SPDX-License-Identifier: Apache-2.0
"""Measure how well images are reconstructed: python example.py IMAGE ..."""

import csv
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

labels = json.load(open("labels.json", encoding="utf-8"))
channels, height, width = labels["shape"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
table = csv.writer(sys.stdout, lineterminator="\n")
table.writerow(["file", "reconstruction_error"])
for start in range(1, len(sys.argv), 256):
    names = sys.argv[start : start + 256]
    images = [ImageOps.exif_transpose(Image.open(name)).convert("L" if channels == 1 else "RGB") for name in names]
    images = [image.resize((width, height), Image.Resampling.BILINEAR) for image in images]
    pixels = np.stack([np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1) for image in images])
    ready, output = session.run(["ready", "logits"], {"inputs": pixels})
    errors = (output.astype(float) - ready.astype(float)) ** 2
    table.writerows(zip(names, errors.reshape(len(names), -1).mean(1).tolist()))
