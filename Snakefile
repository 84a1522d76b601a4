import sys

# If several folders share an environment, each runs its own code.
sys.path.insert(0, f"{workflow.current_basedir}/src")


include: "src/assay/pipeline/rules/workflow.smk"


rule all:
    default_target: True
    input:
        TARGETS,
