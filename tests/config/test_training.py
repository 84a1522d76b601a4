"""Several machines need a launcher, which is known before anything is queued."""

import pytest

from assay.config.training import LAUNCHED, NO_LAUNCHER
from tests.training.learning import CPU


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch):
    for name in LAUNCHED:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("changes", [{"num_nodes": 2}, {"strategy": "ddp", "devices": 2}])
def test_what_waits_for_others_needs_a_launcher(monkeypatch, changes):
    trainer = CPU.model_copy(update=changes)
    with pytest.raises(ValueError, match=NO_LAUNCHER):
        trainer.check_launcher()
    for name in LAUNCHED:
        with monkeypatch.context() as environment:
            environment.setenv(name, "2")
            trainer.check_launcher()


@pytest.mark.parametrize("changes", [{}, {"devices": 2}, {"strategy": "ddp_fork", "devices": 2}])
def test_one_machine_needs_none(changes):
    CPU.model_copy(update=changes).check_launcher()


def test_lightning_recognises_the_same_variables(monkeypatch):
    from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

    environments = dict(zip(LAUNCHED, (SLURMEnvironment, TorchElasticEnvironment), strict=True))
    for name, environment in environments.items():
        assert not environment.detect()
        monkeypatch.setenv(name, "2")
        assert environment.detect()
