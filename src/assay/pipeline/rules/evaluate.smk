# One job per variant: its artifact is evaluated on the test items once.


rule evaluate:
    input:
        unpack(GRAPH.evaluate_from),
    output:
        status=f"{paths.EVALUATED}/{paths.STATUS}",
        measured=f"{paths.EVALUATED}/{paths.MEASURED}",
    log:
        "logs/evaluate/{suite}/{task}.{model}.{seed}.{method}.log",
    threads: MATRIX.params.suites[MATRIX.suite].evaluate_cores
    params:
        request=GRAPH.evaluate_request,
    shell:
        "cell assay.pipeline.stages.evaluate --spec {params.request[spec]:q} --prepared {params.request[prepared]}"
        " --artifact {input.artifact} --uncompressed {input.uncompressed} --code {params.request[code]} --out {output.status} > {log} 2>&1"


rule evaluated:
    input:
        GRAPH.evaluated,
