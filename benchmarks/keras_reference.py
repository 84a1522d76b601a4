"""The same nets in Keras 3 on TensorFlow; run by training_throughput.py with a Python that has them.

    python keras_reference.py DATA.npz CORE

reads one line a round, "NET BATCH_SIZE ITEMS", and answers with the seconds of one epoch over so many items:
wall and processor. The first round of a net warms it up: TensorFlow compiles it then.
"""

import os
import sys
import time

os.sched_setaffinity(0, {int(sys.argv[2])})
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

# Imported only now (E402): TensorFlow reads the settings above when it is imported.
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

NETS = {
    "mlp": lambda: [
        layers.Flatten(),
        layers.Dense(128, "relu"),
        layers.Dense(128, "relu"),
        layers.Dense(10),
    ],
    "cnn": lambda: [
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(64, "relu"),
        layers.Dense(10),
    ],
}


def compiled(net: str) -> keras.Model:
    model = keras.Sequential([layers.Input((28, 28, 1)), *NETS[net]()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss)
    return model


def serve() -> None:
    data = np.load(sys.argv[1])
    images, labels = (
        data["images"].transpose(0, 2, 3, 1).copy(),
        data["labels"],
    )  # (N, H, W, C): what Keras wants
    models = {}
    for line in sys.stdin:
        net, batch_size, items = line.split()
        if (net, batch_size) not in models:
            models[net, batch_size] = compiled(net)
        wall, processor = time.perf_counter(), time.process_time()
        models[net, batch_size].fit(
            images[: int(items)], labels[: int(items)], batch_size=int(batch_size), epochs=1, verbose=0
        )
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)


serve()
