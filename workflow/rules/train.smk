# One job a cell: task x model x seed.


rule train:
    input:
        unpack(GRAPH.train_from),
    output:
        status=f"{layout.TRAINED}/{layout.STATUS}",
        measured=f"{layout.TRAINED}/{layout.MEASURED}",
    log:
        "logs/train/{suite}/{task}.{model}.{seed}.log",
    params:
        asked=GRAPH.asked_to_train,
    shell:
        "cell assay.stages.train --spec {params.asked[spec]:q} --prepared {params.asked[prepared]}"
        " --validated {input.validated} --start {input.start} --code {params.asked[code]} --out {output.status} > {log} 2>&1"


rule trained:
    input:
        GRAPH.trained,
