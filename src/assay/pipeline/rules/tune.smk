# One job per row with `tuning:` and task: all of its trials. The chosen setting is that of every seed.


rule tune:
    input:
        unpack(GRAPH.tune_from),
    output:
        status=f"{paths.TUNED}/{paths.STATUS}",
        measured=f"{paths.TUNED}/{paths.MEASURED}",
    log:
        "logs/tune/{suite}/{task}.{model}.log",
    params:
        request=GRAPH.tune_request,
    shell:
        "cell assay.pipeline.stages.tune --spec {params.request[spec]:q} --prepared {params.request[prepared]}"
        " --validated {input.validated} --start {input.start} --code {params.request[code]} --out {output.status} > {log} 2>&1"


rule tuned:
    input:
        GRAPH.tuned,
