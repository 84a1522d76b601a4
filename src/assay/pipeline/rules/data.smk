# Ingest, prepare, validate: once per dataset. Each leaves a record, even of a failure, and stops nothing else.


rule ingest:
    output:
        source=f"{paths.RAW}/source.json",
    log:
        "logs/ingest/{dataset}.log",
    params:
        request=GRAPH.ingest_request,
    shell:
        "python -m assay.pipeline.stages.ingest {wildcards.dataset} --spec {params.request[spec]:q}"
        " --code {params.request[code]} --out {output.source} --log {log}"


rule prepare:
    input:
        source=GRAPH.prepare_from,
    output:
        prepared=f"{paths.PREPARED}/prepared.json",
    log:
        "logs/prepare/{dataset}.log",
    params:
        request=GRAPH.prepare_request,
    shell:
        "python -m assay.pipeline.stages.prepare {wildcards.dataset} --spec {params.request[spec]:q}"
        " --source {input.source} --code {params.request[code]} --out {output.prepared} > {log} 2>&1"


rule validate:
    input:
        prepared=rules.prepare.output.prepared,
    output:
        validated=paths.VALIDATED,
    log:
        "logs/validate/{dataset}.log",
    params:
        request=GRAPH.validate_request,
    shell:
        "cell assay.pipeline.stages.validate {wildcards.dataset} --prepared {input.prepared}"
        " --expectations={params.request[expectations]:q} --docs {params.request[docs]} --code {params.request[code]} --out {output.validated} > {log} 2>&1"


rule ingested:
    input:
        GRAPH.ingested,


rule prepared:
    input:
        GRAPH.prepared,


rule validated:
    input:
        GRAPH.validated,
