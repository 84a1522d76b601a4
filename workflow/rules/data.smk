# Ingest, prepare, validate: once a dataset. Each leaves a record, also of a failure, and breaks nothing else.


rule ingest:
    input:
        code=ingest_code,
    output:
        source=f"{layout.RAW}/source.json",
    log:
        "logs/ingest/{dataset}.log",
    shell:
        "python -m assay.stages.ingest {wildcards.dataset} --out {output.source} --log {log}"


rule prepare:
    input:
        code=prepare_code,
        source=rules.ingest.output.source,
    output:
        prepared=f"{layout.PREPARED}/prepared.json",
    log:
        "logs/prepare/{dataset}.log",
    params:
        spec=GRAPH.dataset_spec,
    shell:
        "python -m assay.stages.prepare {wildcards.dataset} --spec {params.spec:q}"
        " --source {input.source} --out {output.prepared} > {log} 2>&1"


rule validate:
    input:
        code=validate_code,
        prepared=rules.prepare.output.prepared,
    output:
        validated=layout.VALIDATED,
    log:
        "logs/validate/{dataset}.log",
    params:
        docs=layout.DATA_DOCS,
    shell:
        "python -m assay.stages.validate {wildcards.dataset} --prepared {input.prepared}"
        " --docs {params.docs} --out {output.validated} > {log} 2>&1"


rule ingested:
    input:
        expand(rules.ingest.output.source, dataset=MATRIX.datasets),


rule prepared:
    input:
        expand(rules.prepare.output.prepared, dataset=MATRIX.datasets),


rule validated:
    input:
        expand(rules.validate.output.validated, dataset=MATRIX.datasets),
