# One job a variant that is not the uncompressed one.


rule compress:
    input:
        source=GRAPH.compress_from,
    output:
        status=f"{layout.COMPRESSED}/{layout.STATUS}",
        measured=f"{layout.COMPRESSED}/{layout.MEASURED}",
    log:
        "logs/compress/{suite}/{task}.{model}.{seed}.{method}.log",
    params:
        asked=GRAPH.asked_to_compress,
    shell:
        "cell assay.stages.compress --spec {params.asked[spec]:q} --prepared {params.asked[prepared]}"
        " --source {input.source} --code {params.asked[code]} --out {output.status} > {log} 2>&1"


rule compressed:
    input:
        GRAPH.compressed,
