"""dvc.lock and DVC's cache, whatever they hold: restored as they say, or told; and nothing that lay here is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

import pytest
import yaml
from hypothesis import strategies as st

from assay.pipeline import restore as restoring
from assay.provenance import dvc_lock
from tests.workflow.fuzz.damages import Damage, of_bytes, of_lines, of_place, of_tree
from tests.workflow.fuzz.running import COUNTS, Finished, tries

CACHE = Path(".dvc/cache")


def damages() -> st.SearchStrategy[tuple[Path, Damage]]:
    text = dvc_lock.LOCK.read_text()
    kept = [path for path in sorted(CACHE.rglob("*")) if path.is_file()]
    others = [Path("params.yaml"), Path("dvc.yaml"), *kept[:20]]
    outs = {
        name: {"cmd": "", "outs": stage["outs"]} for name, stage in yaml.safe_load(text)["stages"].items()
    }
    short = {"schema": "2.0", "stages": outs}
    lock = st.one_of(
        of_tree(short),
        of_lines(yaml.safe_dump(short)),
        of_lines(text),
        of_bytes(yaml.safe_dump(short).encode()),
        of_place(others),
    )
    whole = {path: path.read_bytes() for path in kept}
    others_of = {path: [each for each in others if each != path] for path in kept}
    return st.one_of(
        *[st.tuples(st.just(dvc_lock.LOCK), lock)] * 4,
        st.sampled_from(kept).flatmap(
            lambda path: st.tuples(st.just(path), st.one_of(of_bytes(whole[path]), of_place(others_of[path])))
        ),
    )


def without_dvc(*words: str) -> CompletedProcess[str]:
    """Answer as DVC does where no remote is set: it would take a second each time."""
    if words == ("cache", "dir"):
        return CompletedProcess(words, 0, f"{CACHE.resolve()}\n", "")
    return CompletedProcess(words, int(words == ("fetch",)), "", "ERROR: no remote is set")


@pytest.mark.parametrize("count", COUNTS)
def test_a_damaged_record_of_dvc_is_told_and_nothing_is_lost(finished: Finished, count: int) -> None:
    def check(damaged: tuple[Path, Damage], gone: Path) -> None:
        path, damage = damaged
        both = Damage(f"{damage}; {gone} gone", lambda path: (damage.do(path), gone.unlink(missing_ok=True)))
        with finished.damaged(path, both, writes=True):
            ran = finished.run("restore").told(0, 1, 2)
            if ran.code == 2:
                return
            assert (ran.code == 1) == bool(ran.err), ran
            stages = yaml.load(dvc_lock.LOCK.read_text(), yaml.CBaseLoader)["stages"].values()
            for place, digest in [
                (Path(out["path"]), out["md5"]) for each in stages for out in each.get("outs", [])
            ]:
                is_set_aside = (
                    ran.code == 1 and not place.exists()
                )  # what asks for what could not be restored
                if not digest.endswith(".dir") and not is_set_aside and f"{place}: " not in ran.err:
                    assert hashlib.md5(place.read_bytes()).hexdigest() == digest, ran

    gone = st.sampled_from(
        [Path("none"), Path("reports/results.csv"), Path("data/prepared/digits_twin/items.parquet")]
    )
    with (
        mock.patch.object(dvc_lock, "dvc", without_dvc),
        mock.patch.object(restoring, "_fetch_lists"),
    ):
        dvc_lock.cache_folder.cache_clear()
        finished.run("restore")  # imports take seconds, once
        tries(count, check, damages(), gone)
    dvc_lock.cache_folder.cache_clear()
