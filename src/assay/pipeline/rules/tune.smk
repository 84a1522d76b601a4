# One job per row with `tuning:` and task: all of its trials. The chosen setting is that of every seed. Of data with
# folds, one job per fold: the test items of one fold are training items of the others.


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


use rule tune as tune_fold with:
    input:
        unpack(GRAPH.tune_fold_from),
    output:
        status=f"{paths.TUNED_FOLD}/{paths.STATUS}",
        measured=f"{paths.TUNED_FOLD}/{paths.MEASURED}",
    log:
        "logs/tune/{suite}/{task}.{model}.fold{fold}.log",
    params:
        request=GRAPH.tune_fold_request,


rule tuned:
    input:
        GRAPH.tuned,
