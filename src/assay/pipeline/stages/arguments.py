# SPDX-License-Identifier: Apache-2.0
"""The command line of the stages: each stage names the arguments that it takes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

FILE: dict[str, Any] = {"type": Path, "required": True}
FILES: dict[str, Any] = {"type": Path, "nargs": "*", "default": []}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "dataset": {"help": "name of the dataset, or of its twin"},
    "--spec": {"type": json.loads, "required": True, "help": "what is requested, as JSON"},
    "--code": {"required": True, "help": "digest of the code that this job runs"},
    "--out": {**FILE, "help": "the record, or the page; other outputs go into the same folder"},
    "--log": {**FILE, "help": "file for messages"},
    "--died": {"type": int, "help": "record that an earlier attempt was killed by this signal"},
    "--docs": {**FILE, "help": "folder for Great Expectations' Data Docs"},
    "--expectations": {"default": "", "help": "file of further expectations; none if left out"},
    "--params": {**FILE, "help": "params.yaml as it was when the run began"},
    "--prepared": {**FILE, "help": "prepared.json of the dataset"},
    "--validated": {**FILE, "help": "record of the dataset's validation"},
    "--source": {**FILE, "help": "record of this job's input: raw files, or a model to compress"},
    "--start": {**FILES, "help": "status of the model to start from, prepared.json of its data"},
    "--tuned": {**FILES, "help": "record of the search for the row's hyperparameters, if it has one"},
    "--artifact": {**FILE, "help": "status of the model to evaluate"},
    "--uncompressed": {
        **FILES,
        "help": "status of the trained model against which a compressed one is timed",
    },
    "--no-cache": {"action": "store_true", "help": "use no graph cached by an earlier job"},
    "--suite": {"required": True, "help": "suite that ran"},
    "--tasks": {"default": "", "help": "rows of tasks that ran; all of the suite's if left out"},
    "--models": {"default": "", "help": "rows of models that ran; all of the suite's if left out"},
}


def parse(argv: list[str], stage: str, description: str | None, *names: str) -> argparse.Namespace:
    """Return the parsed arguments of a stage, which takes those of ``ARGUMENTS`` in ``names``."""
    parser = argparse.ArgumentParser(prog=stage, description=description)
    for name in names:
        parser.add_argument(name, **ARGUMENTS[name])
    return parser.parse_args(argv)
