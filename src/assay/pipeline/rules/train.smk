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
        asked=GRAPH.asked_to_train,
    shell:
        "cell assay.pipeline.stages.train --spec {params.asked[spec]:q} --prepared {params.asked[prepared]}"
        " --validated {input.validated} --start {input.start} --code {params.asked[code]} --out {output.status} > {log} 2>&1"


rule trained:
    input:
        GRAPH.trained,
