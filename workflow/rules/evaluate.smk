# One job a variant: its artifact meets the test items once.


rule evaluate:
    input:
        prepared=GRAPH.prepared,
        artifact=GRAPH.artifact,
        uncompressed=GRAPH.uncompressed,
    output:
        status=f"{layout.EVALUATED}/{layout.STATUS}",
        measured=f"{layout.EVALUATED}/{layout.MEASURED}",
    log:
        "logs/evaluate/{suite}/{task}.{model}.{seed}.{method}.log",
    params:
        code=GRAPH.evaluate_code,
        spec=GRAPH.variant_spec,
    shell:
        "cell assay.stages.evaluate --spec {params.spec:q} --prepared {input.prepared}"
        " --artifact {input.artifact} --uncompressed {input.uncompressed} --out {output.status} > {log} 2>&1"


rule evaluated:
    input:
        GRAPH.statuses("evaluate"),
