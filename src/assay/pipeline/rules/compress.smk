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
        asked=GRAPH.asked_to_compress,
    shell:
        "cell assay.pipeline.stages.compress --spec {params.asked[spec]:q} --prepared {params.asked[prepared]}"
        " --source {input.source} --code {params.asked[code]} --out {output.status} > {log} 2>&1"


rule compressed:
    input:
        GRAPH.compressed,
