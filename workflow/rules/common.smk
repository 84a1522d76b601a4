# What every rule needs: the graph's questions, and the process that has imported torch once for all cells.
# params.yaml is read by assay alone (no `configfile:`), so that `config` holds nothing but what the command
# line asks for: --config suite=NAME tasks=A,B models=C,D.
import sys

from assay import layout
from assay.graph import Graph, matrix_or_exit
from assay.stages import verdict
from assay.worker import launch

MATRIX = matrix_or_exit(config)
GRAPH = Graph(MATRIX)
PYTHON = sys.executable
CELL = f"{PYTHON} -S -E src/assay/worker/client.py"


wildcard_constraints:
    suite=MATRIX.suite,
    dataset="[a-z][a-z0-9_]*",
    task="[a-z][a-z0-9_]*",
    model="[a-z][a-z0-9_]*",
    method="[a-z][a-z0-9_]*",
    seed="[0-9]+",


onstart:
    verdict.forget()
    launch.start()


onerror:
    sys.exit(verdict.exit_code())
