# The whole workflow: a project's Snakefile includes this file and has TARGETS as its default target.
from snakemake.utils import min_version

min_version("9.27")


include: "common.smk"
include: "data.smk"
include: "tune.smk"
include: "train.smk"
include: "compress.smk"
include: "evaluate.smk"
include: "report.smk"


# A killed job has no record; results made from an earlier record would hide that from Snakemake.
TARGETS = [rules.verdict.output.verdict, rules.report.output.page, *GRAPH.missing()]
