import sys

from snakemake.utils import min_version

min_version("9.27")
# If several folders share an environment, each runs its own code.
sys.path.insert(0, f"{workflow.current_basedir}/src")


include: "src/assay/pipeline/rules/common.smk"
include: "src/assay/pipeline/rules/data.smk"
include: "src/assay/pipeline/rules/train.smk"
include: "src/assay/pipeline/rules/compress.smk"
include: "src/assay/pipeline/rules/evaluate.smk"
include: "src/assay/pipeline/rules/report.smk"


rule all:
    default_target: True
    input:
        str(paths.VERDICT),
        rules.report.output.page,
        # A killed job has no record; results made from an earlier record would hide that from Snakemake.
        GRAPH.missing(),
