# SPDX-License-Identifier: Apache-2.0
"""The paths of all files, relative to the project's folder. The folders of two phases are never nested."""

from __future__ import annotations

from pathlib import Path

RAW = "data/raw/{dataset}"
PREPARED = "data/prepared/{dataset}"
VALIDATED = "data/validated/{dataset}.json"
DATA_DOCS = "reports/validation/{dataset}"
TUNED = "artifacts/tuned/{suite}/{task}/{model}"
TUNED_FOLD = "artifacts/tuned/{suite}/{task}/{model}.fold{fold}"
TRAINED = "artifacts/trained/{suite}/{task}/{model}/{seed}"
COMPRESSED = "artifacts/compressed/{suite}/{task}/{model}/{seed}/{method}"
EVALUATED = "reports/cells/{suite}/{task}/{model}/{seed}/{method}"
STATUS = "status.json"
MEASURED = "measured.json"
PARAMS = Path("params.yaml")
REPORTS = Path("reports")
REPORT = REPORTS / "report.json"
RUN_PARAMS = Path(".assay/params.yaml")
"""params.yaml as it was when the run began: editing the file meanwhile does not affect the run."""
TUNING = Path("docs/tuning.csv")
"""How the hyperparameters were chosen: by hand, or by `assay publish` for tuned rows; it may be absent."""
VERDICT = REPORTS / "verdict.json"
SELECTION = "reports/selection-{suite}"
"""The report of a run of some of a suite's tasks or models, so that it leaves the suite's own report as it was."""
PARTIAL = REPORTS / "partial.html"
"""The page of what has finished, rebuilt now and then during a run; an output of no job, and not versioned."""
UNCOMPRESSED = "none"


def of_cells(reports: Path) -> Path:
    """Return the folder that holds the cells and validations of the report in ``reports``."""
    return reports.parent if reports.match(SELECTION.format(suite="*")) else reports
