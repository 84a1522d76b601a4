# One job per cell: task x model x seed.


rule train:
    input:
        unpack(GRAPH.train_from),
    output:
        status=f"{paths.TRAINED}/{paths.STATUS}",
        measured=f"{paths.TRAINED}/{paths.MEASURED}",
    log:
        "logs/train/{suite}/{task}.{model}.{seed}.log",
    params:
        request=GRAPH.train_request,
    shell:
        "cell assay.pipeline.stages.train --spec {params.request[spec]:q} --prepared {params.request[prepared]}"
        " --validated {input.validated} --start {input.start} --tuned {input.tuned} --code {params.request[code]} --out {output.status} > {log} 2>&1"


rule trained:
    input:
        GRAPH.trained,
