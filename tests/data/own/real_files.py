"""Where the real files lie that users bring: beside the project, or beside the mirror."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[3]
MIRROR = Path(os.environ.get("ASSAY_MIRROR", ROOT.parent / "shared" / "data"))
FOLDER = MIRROR.resolve().parent / "own"
