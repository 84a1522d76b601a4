# SPDX-License-Identifier: Apache-2.0
"""Classical models as ONNX graphs, in float32.

skl2onnx, https://onnx.ai/sklearn-onnx/, converts plain scikit-learn models: linear functions of pixels, one tree,
and forests. The others are written here, or by the model itself. For boosted trees skl2onnx 1.20 creates attributes
that protobuf 7 refuses, and it writes a kernel machine once per pair of classes. Word counts would be rows as
wide as the vocabulary: here each position of a text looks up the contribution of its word.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from sklearn.ensemble import HistGradientBoostingRegressor

from assay.artifacts.onnx.export import INPUT
from assay.artifacts.onnx.graphs import VERSIONS, Graph
from assay.data.special_tokens import UNKNOWN
from assay.models.capabilities import WrapsEstimator, WritesGraph
from assay.models.layers.class_scores import FLOOR


class NoGraphError(ValueError):
    """A model that has no ONNX graph; the message is the reason."""


ML = "ai.onnx.ml"
RULE = "its answer is a rule about the source's words, not a function that was learned"
SPARSE = "ONNX has no operator for sparse rows: with dense ones the file would be many times as large"
SKIPPED = {"NGram": SPARSE, "WordByWord": SPARSE, "CopySource": RULE, "FirstWords": RULE}


def export(model: Any, example: NDArray[Any]) -> onnx.ModelProto:
    """Return an estimator as a graph with one input, ``inputs``, and one output, ``logits``.

    Args:
        example: (N, ...) inputs, for their shape.

    Raises:
        NoGraphError: ONNX has no operators for such an estimator.
    """
    graph = Graph(example[:1])
    return graph.model(written(graph, model), model.outputs(example[:1]).shape[1:])


def written(graph: Graph, model: Any) -> str:
    """Write an estimator and return the name of its outputs.

    Raises:
        NoGraphError: ONNX has no operators for such an estimator.
    """
    name = type(model).__name__
    if isinstance(model, WritesGraph):
        return model.write_graph(graph, INPUT)
    if name in WRITERS:
        return WRITERS[name](graph, model)
    if isinstance(model, WrapsEstimator) and isinstance(model.estimator, HistGradientBoostingRegressor):
        return boosted_scores(graph, model.estimator)
    raise NoGraphError(f"{name}: {SKIPPED.get(name, 'no graph is written for it')}")


def logistic_regression(graph: Graph, model: Any) -> str:
    """Write log-probabilities of linear functions of pixels."""
    return log_probabilities(graph, softmax(graph, decisions(graph, model, zipmap=False), model), model)


def linear_svm(graph: Graph, model: Any) -> str:
    """Write margins of linear functions of pixels."""
    return margins(graph, decisions(graph, model), model)


def decisions(graph: Graph, model: Any, **options: bool) -> str:
    """Write linear functions (N, classes), or of two classes (N, 1) the second one's."""
    scores = converted(graph, model, raw_scores=True, **options)
    if len(model.estimator.classes_) > 2:
        return scores
    return graph.add("Gather", scores, np.array([1]), axis=1)  # skl2onnx gives the first its negative


def converted(graph: Graph, model: Any, **options: bool) -> str:
    """Write scikit-learn's estimator as converted by skl2onnx; return its scores (N, classes) or numbers (N, 1)."""
    import skl2onnx  # takes 2 s, which other models do not need
    from skl2onnx.common.data_types import FloatTensorType

    estimator, width = model.estimator, model.estimator.n_features_in_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        made = skl2onnx.convert_sklearn(
            estimator,
            "estimator",
            [("pixels", FloatTensorType([None, width]))],
            options={id(estimator): options},
            target_opset=VERSIONS,
        )
    return graph.include(made.graph, pixels(graph, width))[-1]  # after the labels, if there are classes


def pixels(graph: Graph, width: int) -> str:
    """Write images (N, C, H, W) as rows (N, width)."""
    return graph.add("Reshape", INPUT, np.array([-1, width]))


def boosted_trees(graph: Graph, model: Any) -> str:
    """Write log-probabilities of boosted trees."""
    return log_probabilities(graph, softmax(graph, boosted_scores(graph, model.estimator), model), model)


def boosted_scores(graph: Graph, estimator: Any) -> str:
    """Write the scores (N, classes) or numbers (N, 1) of boosted trees as one operator."""
    grown = [(tree.nodes, place) for each in estimator._predictors for place, tree in enumerate(each)]
    return graph.add(
        "TreeEnsembleRegressor",
        pixels(graph, estimator.n_features_in_),
        domain=ML,
        n_targets=estimator.n_trees_per_iteration_,
        base_values=estimator._baseline_prediction.ravel().tolist(),
        post_transform="NONE",
        **ensemble(grown),
    )


def ensemble(trees: list[tuple[NDArray[Any], int]]) -> dict[str, list[Any]]:
    """Return the attributes of ONNX's operator for trees.

    Args:
        trees: each tree's nodes as stored by scikit-learn, and the index of the score that its leaves add to.
    """
    nodes = np.concatenate([each for each, _ in trees])
    sizes = [len(each) for each, _ in trees]
    numbers = np.concatenate([np.arange(size) for size in sizes])
    owners = np.repeat(np.arange(len(trees)), sizes)
    leaf = nodes["is_leaf"].astype(bool)
    attributes = {
        "nodes_treeids": owners,
        "nodes_nodeids": numbers,
        "nodes_featureids": nodes["feature_idx"],
        "nodes_values": rounded_down(np.where(leaf, 0.0, nodes["num_threshold"])),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ"),
        "nodes_truenodeids": nodes["left"],
        "nodes_falsenodeids": nodes["right"],
        "target_treeids": owners[leaf],
        "target_nodeids": numbers[leaf],
        "target_ids": np.repeat([place for _, place in trees], sizes)[leaf],
        "target_weights": nodes["value"][leaf],
    }
    return {name: values.tolist() for name, values in attributes.items()}


def rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 not above each threshold, so that comparisons of a float32 give the same results."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def trees(graph: Graph, model: Any) -> str:
    """Write log-probabilities of one tree or a forest."""
    return log_probabilities(graph, converted(graph, model, zipmap=False), model)


def kernel_machine(graph: Graph, model: Any) -> str:
    """Write won pairs and shares of margins, as :mod:`assay.models.tabular.rbf_svm` does."""
    estimator = model.estimator
    vectors = estimator.support_vectors_
    rows = pixels(graph, vectors.shape[1])
    squares = graph.add("ReduceSumSquare", rows, np.array([1]))  # (N, 1)
    products = graph.add("Gemm", rows, -2 * vectors.T, model.squares)  # (N, vectors), less the rows' squares
    distances = graph.add("Add", products, squares)
    kernel = graph.add("Exp", graph.add("Mul", distances, np.array(-estimator.gamma)))
    shares, first, second = of_pairs(estimator)
    margin = graph.add("Gemm", kernel, shares, estimator.intercept_)  # (N, pairs)
    if len(estimator.classes_) == 2:
        return margins(graph, margin, model)
    for_first = graph.add("Cast", graph.add("GreaterOrEqual", margin, np.zeros(1)), to=TensorProto.FLOAT)
    won = graph.add("Gemm", for_first, first - second, second.sum(axis=0))  # (N, classes)
    summed = graph.add("MatMul", margin, first - second)
    bound = graph.add("Add", graph.add("Mul", graph.add("Abs", summed), np.array(3.0)), np.array(3.0))
    return margins(graph, graph.add("Add", won, graph.add("Div", summed, bound)), model)


def of_pairs(estimator: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the weight of each support vector for each pair of classes (vectors, pairs), and the first and the second
    class of each pair, one-hot (pairs, classes)."""
    counts, weights = estimator.n_support_, estimator.dual_coef_
    owners = np.repeat(np.arange(len(counts)), counts)
    pairs = np.array(list(combinations(range(len(counts)), 2)))
    shares = np.zeros((len(owners), len(pairs)))
    for pair, (first, second) in enumerate(pairs):
        shares[owners == first, pair] = weights[second - 1, owners == first]
        shares[owners == second, pair] = weights[first, owners == second]
    named = np.eye(len(counts))
    return shares, named[pairs[:, 0]], named[pairs[:, 1]]


def layers(graph: Graph, model: Any) -> str:
    """Write the layers of a perceptron."""
    values = pixels(graph, model.widths[0])
    for number, (weights, biases) in enumerate(model.layers):
        values = graph.add("Gemm", graph.add("Relu", values) if number else values, weights, biases)
    return values


def naive_bayes(graph: Graph, model: Any) -> str:
    """Write log-probabilities: each word adds its logarithm to each class."""
    rows = columns(graph, model.words)
    table = under_zeros(model.estimator.feature_log_prob_.T)
    summed = graph.add("ReduceSum", graph.add("Gather", table, rows), np.array([1]), keepdims=0)
    scores = graph.add("Add", summed, model.estimator.class_log_prior_)
    return log_probabilities(graph, graph.add("Softmax", scores, axis=1), model)


def tfidf_probabilities(graph: Graph, model: Any) -> str:
    """Write log-probabilities of logistic regression on weighted counts."""
    return log_probabilities(graph, softmax(graph, weighted(graph, model), model), model)


def tfidf_margins(graph: Graph, model: Any) -> str:
    """Write margins of a linear support vector machine on weighted counts."""
    return margins(graph, weighted(graph, model), model)


def weighted(graph: Graph, model: Any) -> str:
    """Write linear functions of weighted counts in rows of length 1: (N, classes), or of two classes (N, 1).

    A word that occurs c times in a text has the weight c, or 1 + log(c), times its rarity: each of its c positions adds
    a c-th of that.
    """
    rows = columns(graph, model.words)  # (N, P)
    same = graph.add(
        "Equal", graph.add("Unsqueeze", rows, np.array([2])), graph.add("Unsqueeze", rows, np.array([1]))
    )
    counts = graph.add(
        "ReduceSum", graph.add("Cast", same, to=TensorProto.FLOAT), np.array([2]), keepdims=0
    )  # (N, P)
    rarity = graph.add("Gather", under_zeros(model.weights.idf_), rows)  # (N, P), 0 where there is no word
    grown = (
        graph.add("Add", graph.add("Log", counts), np.array(1.0)) if model.weights.sublinear_tf else counts
    )
    weights = graph.add("Mul", grown, rarity)
    shares = graph.add("Div", weights, counts)
    squares = graph.add("ReduceSum", graph.add("Mul", weights, shares), np.array([1]), keepdims=1)
    length = graph.add("Sqrt", graph.add("Max", squares, np.array(np.finfo(np.float32).tiny)))  # (N, 1)
    added = graph.add("Gather", under_zeros(model.estimator.coef_.T), rows)  # (N, P, K)
    summed = graph.add("MatMul", graph.add("Unsqueeze", shares, np.array([1])), added)  # (N, 1, K)
    scores = graph.add("Div", graph.add("Squeeze", summed, np.array([1])), length)
    return graph.add("Add", scores, model.estimator.intercept_)


def columns(graph: Graph, words: Any) -> str:
    """Write the columns of counts to which positions of texts (N, T), and pairs of positions, add: (N, P).

    They are numbered from 1, as the words are; 0 is padding or a pair without a column.
    """
    common = graph.add("Less", INPUT, np.array(words.words))
    known = graph.add("Where", common, INPUT, np.array(UNKNOWN))  # (N, T)
    if not len(words.pairs):
        return known
    firsts, seconds = (
        graph.add("Slice", known, np.array([start]), np.array([end]), np.array([1]))
        for start, end in ((0, -1), (1, np.iinfo(np.int64).max))
    )
    codes = graph.add("Add", graph.add("Mul", firsts, np.array(words.words)), seconds)
    found = graph.add(
        "LabelEncoder",
        codes,
        domain=ML,
        keys_int64s=words.pairs.tolist(),
        values_int64s=list(range(words.words, words.words + len(words.pairs))),
        default_int64=0,
    )
    return graph.add("Concat", known, found, axis=1)


def under_zeros(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a table (columns, ...) with a row of zeros before it."""
    return np.concatenate([np.zeros_like(table[:1]), table])


def softmax(graph: Graph, scores: str, model: Any) -> str:
    """Write probabilities (N, classes) from scores (N, classes); for two classes (N, 1), where the first score is 0."""
    if len(model.estimator.classes_) == 2:
        scores = graph.add("Pad", scores, np.array([0, 1, 0, 0]))
    return graph.add("Softmax", scores, axis=1)


def log_probabilities(graph: Graph, probabilities: str, model: Any) -> str:
    """Write logits (N, num_classes) as :func:`assay.models.layers.class_scores.log_probabilities` does."""
    logarithms = graph.add("Log", graph.add("Max", probabilities, np.array(FLOOR)))
    classes = model.estimator.classes_
    if len(classes) == model.num_classes:
        return logarithms
    padded = graph.add("Pad", logarithms, np.array([0, 0, 0, 1]), np.array(np.log(FLOOR)))
    return graph.add("Gather", padded, places(classes, model.num_classes), axis=1)


def margins(graph: Graph, decisions: str, model: Any) -> str:
    """Write logits (N, num_classes) as :func:`assay.models.layers.class_scores.margins` does.

    Args:
        decisions: (N, len(classes)), or of two classes (N, 1).
    """
    classes = model.estimator.classes_
    if len(classes) == 2:
        decisions = graph.add("Concat", graph.add("Neg", decisions), decisions, axis=1)
    if len(classes) == model.num_classes:
        return decisions
    lowest = graph.add("ReduceMin", decisions, np.array([1]))
    widened = graph.add("Concat", decisions, graph.add("Sub", lowest, np.array(1.0)), axis=1)
    return graph.add("Gather", widened, places(classes, model.num_classes), axis=1)


def places(classes: NDArray[np.integer], num_classes: int) -> NDArray[np.int64]:
    """Return the position of each class among those seen in training; unseen classes get the position after them."""
    found = np.full(num_classes, len(classes))
    found[classes] = np.arange(len(classes))
    return found


def majority(graph: Graph, model: Any) -> str:
    """Write the same log-probabilities for each item."""
    logits = np.log(np.maximum(model.frequencies, FLOOR))
    items = graph.add("Shape", INPUT, start=0, end=1)
    return graph.add("Expand", logits, graph.add("Concat", items, np.array([len(logits)]), axis=0))


def unigram(graph: Graph, model: Any) -> str:
    """Write the same log-probabilities at each position."""
    shape = graph.add("Concat", graph.add("Shape", INPUT), np.array([model.vocabulary]), axis=0)
    return graph.add("Expand", model.logarithms, shape)


def bigram(graph: Graph, model: Any) -> str:
    """Look up the log-probabilities after each character."""
    return graph.add("Gather", model.logarithms, INPUT)


def most_frequent_tag(graph: Graph, model: Any) -> str:
    """Look up the log-probabilities of each word's tags; inputs (N, T, 1 + L) begin with the word."""
    words = graph.add("Gather", INPUT, np.array(0), axis=2)
    return graph.add("Gather", model.log_shares, words)


WRITERS: dict[str, Callable[[Graph, Any], str]] = {
    "LogisticRegression": logistic_regression,
    "LinearSVM": linear_svm,
    "RBFSVM": kernel_machine,
    "DecisionTree": trees,
    "RandomForest": trees,
    "ForestRegression": converted,
    "HistGradientBoosting": boosted_trees,
    "ScratchMLP": layers,
    "NaiveBayes": naive_bayes,
    "TfidfLogisticRegression": tfidf_probabilities,
    "TfidfLinearSVM": tfidf_margins,
    "Majority": majority,
    "Unigram": unigram,
    "Bigram": bigram,
    "MostFrequentTag": most_frequent_tag,
}
