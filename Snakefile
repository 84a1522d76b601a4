import sys

from snakemake.utils import min_version

min_version("9.27")
# Of several folders that share an environment, each runs its own code.
sys.path.insert(0, f"{workflow.basedir}/src")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/compress.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        str(layout.VERDICT),
        rules.report.output.page,
        # A killed job has no record; what was made from an earlier one would hide that from Snakemake.
        GRAPH.missing(),
