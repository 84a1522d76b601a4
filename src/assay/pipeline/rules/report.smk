# The report is always built; the exit code of the verdict then says whether anything failed.


rule report:
    input:
        validated=GRAPH.validated,
        evaluated=GRAPH.evaluated,
    output:
        # `update`: if this job fails, these files stay as they were.
        page=report(
            update("reports/index.html"),
            caption="captions/results.rst",
            category="Results",
        ),
        record=str(paths.REPORT),
        results=update("reports/results.csv"),
        costs=update("reports/costs.csv"),
        markdown=update("reports/results.md"),
        metrics=update("reports/metrics.json"),
        tables=directory("reports/tables"),
        cards=directory("reports/cards"),
        figures=report(
            directory("reports/figures"),
            patterns=["{figure}.svg"],
            caption="captions/figures.rst",
            category="Figures",
        ),
    log:
        "logs/report.log",
    benchmark:
        "logs/report.tsv"
    params:
        request=GRAPH.report_request,
        read=str(paths.RUN_PARAMS),
    shell:
        "cell assay.pipeline.stages.report --spec {params.request[spec]:q} --params {params.read}"
        " --code {params.request[code]} --out {output.page} > {log} 2>&1"


rule verdict:
    input:
        rules.report.output.page,
    output:
        verdict=str(paths.VERDICT),
    log:
        "logs/verdict.log",
    params:
        read=str(paths.RUN_PARAMS),
        suite=MATRIX.suite,
        tasks=",".join(MATRIX.tasks),
        models=",".join(MATRIX.models),
    shell:
        "python -m assay.pipeline.stages.verdict --params {params.read} --suite {params.suite} --tasks {params.tasks}"
        " --models {params.models} --out {output.verdict} --log {log}"
