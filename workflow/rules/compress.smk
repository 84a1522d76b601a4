# One job a variant that is not the uncompressed one.


rule compress:
    input:
        prepared=GRAPH.prepared,
        source=GRAPH.source,
    output:
        status=f"{layout.COMPRESSED}/{layout.STATUS}",
        measured=f"{layout.COMPRESSED}/{layout.MEASURED}",
    log:
        "logs/compress/{suite}/{task}.{model}.{seed}.{method}.log",
    params:
        code=GRAPH.compress_code,
        spec=GRAPH.method_spec,
    shell:
        "cell assay.stages.compress --spec {params.spec:q} --prepared {input.prepared}"
        " --source {input.source} --out {output.status} > {log} 2>&1"


rule compressed:
    input:
        GRAPH.statuses("compress"),
