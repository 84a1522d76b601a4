"""Knobs with which every model is built in the tests: small, so that a fit takes a moment."""

from pathlib import Path
from typing import Any

from assay.config import registry
from assay.config.params import load_params

NEURAL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [32, 16], "dropout": 0.0},
    "cnn": {"channels": [4, 8, 8], "dense": 16, "dropout": 0.0},
    "rnn": {"hidden": 24, "layers": 2, "dropout": 0.0},
    "lstm": {"hidden": 24, "layers": 2, "dropout": 0.0},
    "transformer": {"patch": 4, "width": 16, "depth": 2, "heads": 2, "dropout": 0.0},
    "lenet5": {},
    "alexnet_small": {"channels": [8, 16, 16, 16, 16], "dense": 32, "dropout": 0.0},
    "vgg_small": {"width": 4, "convolutions": 2, "dense": 16, "dropout": 0.0},
    "inception_small": {"dropout": 0.0},
    "resnet_small": {"widths": [4, 8, 16], "blocks": 2},
}

CLASSICAL: dict[str, dict[str, Any]] = {
    "majority": {},
    "logistic_regression": {"c": 1.0, "max_iterations": 500, "tolerance": 1e-3},
    "linear_svm": {"c": 0.1, "max_iterations": 500, "tolerance": 1e-3},
    "rbf_svm": {"c": 5.0, "gamma": 1.0},
    "decision_tree": {"criterion": "gini", "max_depth": 12, "min_samples_leaf": 1},
    "hist_gradient_boosting": {
        "learning_rate": 0.2,
        "rounds": 4,
        "max_leaf_nodes": 8,
        "bins": 16,
        "l2": 0.1,
    },
    "scratch_mlp": {
        "hidden": [32],
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "batch_size": 32,
        "epochs": 10,
    },
}

NEURAL_TEXT: dict[str, dict[str, Any]] = {
    "bag_of_embeddings": {"words": 50, "width": 12, "dropout": 0.0},
    "text_cnn": {
        "words": 50,
        "width": 8,
        "kernels": [2, 5],
        "filters": 8,
        "dropout": 0.0,
        "vectors": "tuned",
    },
    "text_recurrent": {
        "words": 50,
        "width": 8,
        "cell": "lstm",
        "bidirectional": True,
        "hidden": 12,
        "layers": 2,
        "dropout": 0.0,
        "length": 16,
        "vectors": "tuned",
    },
    "text_transformer": {
        "words": 50,
        "width": 16,
        "depth": 2,
        "heads": 2,
        "dropout": 0.0,
        "length": 16,
    },
}

CELLS = ["tanh", "gru", "lstm"]
"""The kinds of unit of text_recurrent: they are tested one by one."""

CLASSICAL_TEXT: dict[str, dict[str, Any]] = {
    "majority": {},
    "naive_bayes": {"words": 50, "ngrams": 2, "alpha": 0.5},
    "tfidf_logistic_regression": {
        "words": 50,
        "ngrams": 2,
        "sublinear": True,
        "c": 10.0,
        "max_iterations": 500,
        "tolerance": 1e-4,
    },
    "tfidf_linear_svm": {
        "words": 50,
        "ngrams": 2,
        "sublinear": True,
        "c": 1.0,
        "max_iterations": 500,
        "tolerance": 1e-4,
    },
}

MASKED: dict[str, dict[str, Any]] = {
    "bert": {"words": 50, "width": 16, "depth": 2, "heads": 2, "dropout": 0.0, "length": 50},
    "skip_gram": {"words": 50, "width": 12, "window": 3, "negatives": 2, "noise": 8},
    "cbow": {"words": 50, "width": 12, "window": 3, "negatives": 2, "noise": 8},
    "glove": {
        "words": 50,
        "width": 12,
        "window": 3,
        "cap": 5.0,
        "learning_rate": 0.05,
        "epochs": 30,
    },
}

READER: dict[str, Any] = {"words": 50, "width": 8, "character_width": 6, "filters": 5, "dropout": 0.0}
NEURAL_TAGGING: dict[str, dict[str, Any]] = {
    "bilstm_tagger": {**READER, "hidden": 12},
    "bilstm_crf": {**READER, "hidden": 12, "recall_cost": 0.0},
    "bert_tagger": {"words": 50, "width": 16, "depth": 2, "heads": 2, "dropout": 0.0, "length": 128},
    "transformer_tagger": {**READER, "width": 16, "depth": 2, "heads": 2},
}

CLASSICAL_TAGGING: dict[str, dict[str, Any]] = {"most_frequent_tag": {}}

NEURAL_LANGUAGE: dict[str, dict[str, Any]] = {
    "lstm_lm": {"width": 12, "hidden": 16, "layers": 2, "dropout": 0.0},
    "gpt": {"width": 16, "depth": 2, "heads": 2, "dropout": 0.0},
}

CLASSICAL_LANGUAGE: dict[str, dict[str, Any]] = {
    "unigram": {},
    "bigram": {"alpha": 0.5},
    "ngram": {"order": 4, "discount": 0.7},
}

NEURAL_PAIRS: dict[str, dict[str, Any]] = {
    "seq2seq_lstm": {"width": 12, "hidden": 16, "layers": 2, "dropout": 0.0, "beam": 2},
    "seq2seq_attention": {
        "width": 12,
        "hidden": 16,
        "attention": 8,
        "dropout": 0.0,
        "copying": False,
        "beam": 2,
    },
    "seq2seq_transformer": {
        "width": 16,
        "depth": 2,
        "heads": 2,
        "dropout": 0.0,
        "copying": False,
        "beam": 2,
    },
}

CLASSICAL_PAIRS: dict[str, dict[str, Any]] = {
    "copy_source": {},
    "first_words": {},
    "word_by_word": {"rounds": 5, "least": 0.0},
}

PRETRAINED_TEXT: dict[str, dict[str, Any]] = {"hugging_face": {"length": 24}}

TABLES = [NEURAL, CLASSICAL, NEURAL_TEXT, CLASSICAL_TEXT, MASKED, NEURAL_TAGGING]
TABLES += [CLASSICAL_TAGGING, NEURAL_LANGUAGE, CLASSICAL_LANGUAGE, NEURAL_PAIRS, CLASSICAL_PAIRS]
TABLES += [PRETRAINED_TEXT]
OTHERS: dict[str, dict[str, Any]] = {}
TABLES += [OTHERS]

KINDS = {
    ("image -> class", "supervised"): NEURAL,
    ("image -> class", "estimator"): CLASSICAL,
    ("text -> class", "supervised"): NEURAL_TEXT,
    ("text -> class", "estimator"): CLASSICAL_TEXT,
    ("text -> missing word", "supervised"): MASKED,
    ("text -> tags", "supervised"): NEURAL_TAGGING,
    ("text -> tags", "estimator"): CLASSICAL_TAGGING,
    ("text -> next character", "supervised"): NEURAL_LANGUAGE,
    ("text -> next character", "estimator"): CLASSICAL_LANGUAGE,
    ("text -> text", "supervised"): NEURAL_PAIRS,
    ("text -> text", "estimator"): CLASSICAL_PAIRS,
}


def add_rows() -> None:
    """Give a model without smaller knobs above those of its first row in params.yaml."""
    rows = load_params(Path(__file__).parents[2] / "params.yaml").models.values()
    for name, entry in registry.MODELS.items():
        if not any(name in table for table in TABLES):
            row = next(row for row in rows if row.model == name)
            KINDS.get((entry.signatures[0], entry.loop), OTHERS)[name] = dict(row.knobs)


add_rows()
