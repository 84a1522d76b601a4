"""Models whose answers are numbers: against scikit-learn, and their graphs against themselves."""

from __future__ import annotations

import inspect

import numpy as np
import onnxruntime
import pytest
import skops.io
import torch
from sklearn import decomposition, ensemble, linear_model
from sklearn.datasets import load_diabetes, load_digits

from assay.compression.methods import onnx_classical
from assay.config import registry
from assay.models.baselines.mean import Mean
from assay.models.capabilities import FitsWeighted
from assay.models.image.linear_autoencoder import LinearAutoencoder
from assay.models.image.pca import PCA
from assay.models.tabular.boosted_regression import BoostedRegression
from assay.models.tabular.forest_regression import ForestRegression
from assay.models.tabular.mlp_regression import MLPRegression
from assay.models.tabular.ridge import Ridge
from tests.compression.conftest import context

ROWS, ANSWERS = load_diabetes(return_X_y=True)
ROWS = (20 * ROWS).astype(np.float32)  # (442, 10)
ANSWERS = ((ANSWERS - ANSWERS.mean()) / ANSWERS.std()).astype(np.float32)[:, None]
SCANS = (load_digits().images[:, None] / 8 - 1).astype(np.float32)
BOOSTING = {"learning_rate": 0.1, "rounds": 20, "max_leaf_nodes": 4, "min_samples_leaf": 10, "l2": 0.0}
FOREST = {"trees": 20, "min_samples_leaf": 3, "features": 0.5}


def fitted(model):
    inputs, targets = (SCANS, SCANS) if isinstance(model, PCA) else (ROWS, ANSWERS)
    model.fit(inputs[:300], targets[:300])
    return model, inputs[300:400]


def estimators():
    return [
        Mean(seed=0),
        Ridge(shape=(10,), seed=0, alpha=3.0),
        BoostedRegression(seed=0, **BOOSTING),
        ForestRegression(seed=0, **FOREST),
        PCA(shape=(1, 8, 8), seed=0, code=8),
    ]


named = pytest.mark.parametrize("model", estimators(), ids=lambda model: type(model).__name__)


def test_every_estimator_with_numbers_as_answers_is_tested():
    numbers = {"table -> number", "image -> image"}
    found = {
        registry.load(entry.target)
        for entry in registry.MODELS.values()
        if entry.loop == "estimator" and numbers & set(entry.signatures)
    }
    assert found == {type(model) for model in estimators()}


def test_the_mean_is_the_mean():
    model, rows = fitted(Mean(seed=0))
    np.testing.assert_allclose(model.outputs(rows), np.full((100, 1), ANSWERS[:300].mean()), rtol=1e-6)


def test_ridge_is_scikit_learns():
    model, rows = fitted(Ridge(shape=(10,), seed=0, alpha=3.0))
    expected = linear_model.Ridge(alpha=3.0).fit(ROWS[:300].astype(np.float64), ANSWERS[:300]).predict(rows)
    np.testing.assert_allclose(model.outputs(rows), expected.reshape(-1, 1), rtol=1e-5)
    assert model.parameters() == 11


def test_boosting_learns():
    model, rows = fitted(BoostedRegression(seed=0, **BOOSTING))
    assert np.square(model.outputs(rows) - ANSWERS[300:400]).mean() < 0.8 * ANSWERS[300:400].var()
    assert model.parameters() == 20 * (2 * 3 + 4)


def test_the_forest_is_scikit_learns():
    model, rows = fitted(ForestRegression(seed=0, **FOREST))
    direct = ensemble.RandomForestRegressor(20, min_samples_leaf=3, max_features=0.5, random_state=0)
    expected = direct.fit(ROWS[:300], ANSWERS[:300, 0]).predict(rows)
    np.testing.assert_allclose(model.outputs(rows)[:, 0], expected, rtol=1e-5)
    leaves = [tree.get_n_leaves() for tree in direct.estimators_]
    assert model.parameters() == sum(2 * (leaf - 1) + leaf for leaf in leaves)


def test_the_code_is_that_of_the_singular_vectors():
    model, scans = fitted(PCA(shape=(1, 8, 8), seed=0, code=8))
    flat = SCANS[:300].reshape(300, -1).astype(np.float64)
    _, _, axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    centred = scans.reshape(100, -1) - flat.mean(axis=0)
    expected = centred @ axes[:8].T @ axes[:8] + flat.mean(axis=0)
    np.testing.assert_allclose(model.outputs(scans).reshape(100, -1), expected, atol=1e-5)


@named
def test_skops_gives_it_back(model):
    model, inputs = fitted(model)
    trusted = [
        f"{type(model).__module__}.{type(model).__qualname__}",
        *inspect.getmodule(type(model)).MODEL.trusted,
    ]
    written = skops.io.dumps(model)
    assert sorted(skops.io.get_untrusted_types(data=written)) == sorted(trusted)
    np.testing.assert_array_equal(
        skops.io.loads(written, trusted=trusted).outputs(inputs), model.outputs(inputs)
    )


@named
@pytest.mark.parametrize("count", [1, 7])
def test_the_graph_answers_as_the_model_does(model, count):
    model, inputs = fitted(model)
    made = onnx_classical.compress(context(model, torch.from_numpy(inputs)))
    session = onnxruntime.InferenceSession(made.model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"inputs": inputs[:count]})[0]
    np.testing.assert_allclose(found, model.outputs(inputs[:count]), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "inputs", "targets"),
    [
        (MLPRegression(shape=(10,), hidden=[16], dropout=0.0), ROWS, ANSWERS),
        (LinearAutoencoder(shape=(1, 8, 8), code=8), SCANS, SCANS),
    ],
    ids=["mlp_regression", "linear_autoencoder"],
)
def test_a_network_learns_numbers(model, inputs, targets):
    torch.manual_seed(0)
    inputs, targets = torch.from_numpy(inputs[:300]), torch.from_numpy(targets[:300])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert model(inputs).shape == targets.shape
    assert loss < 0.5 * targets.var()


def test_the_best_linear_autoencoder_is_the_principal_components():
    """Baldi and Hornik (1989): no other minimum is as low."""
    torch.manual_seed(0)
    scans = torch.from_numpy(SCANS[:500])
    model = LinearAutoencoder(shape=(1, 8, 8), code=4)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=500, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = torch.nn.functional.mse_loss(model(scans), scans)
        value.backward()
        return value

    optimiser.step(loss)
    flat = SCANS[:500].reshape(500, -1)
    components = decomposition.PCA(4).fit(flat)
    least = np.square(components.inverse_transform(components.transform(flat)) - flat).mean()
    assert loss().item() == pytest.approx(float(least), rel=1e-3)
    assert loss().item() > least * (1 - 1e-5)


@pytest.mark.parametrize(
    "model", [Mean(seed=0), Ridge(shape=(10,), seed=0, alpha=3.0)], ids=lambda model: type(model).__name__
)
def test_an_item_of_weight_three_counts_as_three_items(model):
    assert isinstance(model, FitsWeighted)
    counts = np.arange(300) % 3 + 1
    model.fit_weighted(ROWS[:300], ANSWERS[:300], counts.astype(np.float32))
    answers = model.outputs(ROWS[300:])
    model.fit(np.repeat(ROWS[:300], counts, axis=0), np.repeat(ANSWERS[:300], counts, axis=0))
    np.testing.assert_allclose(answers, model.outputs(ROWS[300:]), rtol=1e-5, atol=1e-6)


def test_boosting_with_equal_weights_is_boosting_without():
    weighted, plain = BoostedRegression(seed=0, **BOOSTING), BoostedRegression(seed=0, **BOOSTING)
    weighted.fit_weighted(ROWS[:300], ANSWERS[:300], np.full(300, 2, np.float32))
    plain.fit(ROWS[:300], ANSWERS[:300])
    np.testing.assert_allclose(weighted.outputs(ROWS[300:]), plain.outputs(ROWS[300:]), rtol=1e-5, atol=1e-6)
    weighted.fit_weighted(ROWS[:300], ANSWERS[:300], 1 + 9 * (ANSWERS[:300, 0] > 0).astype(np.float32))
    assert weighted.outputs(ROWS[300:]).mean() > plain.outputs(ROWS[300:]).mean() + 0.1
