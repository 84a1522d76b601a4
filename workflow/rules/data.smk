# Ingest, prepare, validate: once a dataset. Each leaves a record, also of a failure, and breaks nothing else.


rule ingest:
    output:
        source=f"{layout.RAW}/source.json",
    log:
        "logs/ingest/{dataset}.log",
    params:
        code=ingest_code,
    shell:
        "python -m assay.stages.ingest {wildcards.dataset} --out {output.source} --log {log}"


rule prepare:
    input:
        source=rules.ingest.output.source,
    output:
        prepared=f"{layout.PREPARED}/prepared.json",
    log:
        "logs/prepare/{dataset}.log",
    params:
        code=prepare_code,
        spec=GRAPH.dataset_spec,
    shell:
        "python -m assay.stages.prepare {wildcards.dataset} --spec {params.spec:q}"
        " --source {input.source} --out {output.prepared} > {log} 2>&1"


rule validate:
    input:
        prepared=rules.prepare.output.prepared,
    output:
        validated=layout.VALIDATED,
    log:
        "logs/validate/{dataset}.log",
    params:
        code=validate_code,
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
