# One job a variant: its artifact meets the test items once.


rule evaluate:
    input:
        unpack(GRAPH.evaluate_from),
    output:
        status=f"{layout.EVALUATED}/{layout.STATUS}",
        measured=f"{layout.EVALUATED}/{layout.MEASURED}",
    log:
        "logs/evaluate/{suite}/{task}.{model}.{seed}.{method}.log",
    threads: MATRIX.params.suites[MATRIX.suite].evaluate_cores
    params:
        asked=GRAPH.asked_to_evaluate,
    shell:
        "cell assay.stages.evaluate --spec {params.asked[spec]:q} --prepared {params.asked[prepared]}"
        " --artifact {input.artifact} --uncompressed {input.uncompressed} --code {params.asked[code]} --out {output.status} > {log} 2>&1"


rule evaluated:
    input:
        GRAPH.evaluated,
