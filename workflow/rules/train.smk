# One job a cell: task x model x seed.


rule train:
    input:
        prepared=GRAPH.prepared,
        validated=GRAPH.validated,
        start=GRAPH.start,
    output:
        status=f"{layout.TRAINED}/{layout.STATUS}",
        measured=f"{layout.TRAINED}/{layout.MEASURED}",
    log:
        "logs/train/{suite}/{task}.{model}.{seed}.log",
    params:
        code=GRAPH.train_code,
        spec=GRAPH.cell_spec,
    shell:
        "cell assay.stages.train --spec {params.spec:q} --prepared {input.prepared}"
        " --validated {input.validated} --start {input.start} --out {output.status} > {log} 2>&1"


rule trained:
    input:
        GRAPH.statuses("train"),
