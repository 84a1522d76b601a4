# One job per compressed variant.


rule compress:
    input:
        source=GRAPH.compress_from,
    output:
        status=f"{paths.COMPRESSED}/{paths.STATUS}",
        measured=f"{paths.COMPRESSED}/{paths.MEASURED}",
    log:
        "logs/compress/{suite}/{task}.{model}.{seed}.{method}.log",
    params:
        request=GRAPH.compress_request,
    shell:
        "cell assay.pipeline.stages.compress --spec {params.request[spec]:q} --prepared {params.request[prepared]}"
        " --source {input.source} --code {params.request[code]} --out {output.status} > {log} 2>&1"


rule compressed:
    input:
        GRAPH.compressed,
