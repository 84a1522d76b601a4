"""Params of training with every option switched off, for tests to change."""

from assay.config.training import TrainingParams

PARAMS = TrainingParams(
    optimizer="adam",
    learning_rate=0.003,
    momentum=0.0,
    weight_decay=0.0,
    schedule="constant",
    warmup=0.0,
    batch_size=16,
    epochs=3,
    max_steps=0,
    label_smoothing=0.0,
    gradient_clip=0.0,
    augment=False,
    patience=0,
)
