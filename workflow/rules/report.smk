# The report is always built; the verdict then says by its exit code whether anything failed.


rule report:
    input:
        validated=GRAPH.validated,
        evaluated=GRAPH.evaluated,
    output:
        # What is updated stays as it was if this job fails.
        page=report(
            update("reports/index.html"),
            caption="../report/results.rst",
            category="Results",
        ),
        record=str(layout.REPORT),
        results=update("reports/results.csv"),
        costs=update("reports/costs.csv"),
        markdown=update("reports/results.md"),
        metrics=update("reports/metrics.json"),
        tables=directory("reports/tables"),
        cards=directory("reports/cards"),
        figures=report(
            directory("reports/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
        ),
    log:
        "logs/report.log",
    benchmark:
        "logs/report.tsv"
    params:
        asked=GRAPH.asked_to_report,
        read=str(layout.RUN_PARAMS),
    shell:
        "cell assay.stages.report --spec {params.asked[spec]:q} --params {params.read}"
        " --code {params.asked[code]} --out {output.page} > {log} 2>&1"


rule verdict:
    input:
        rules.report.output.page,
    output:
        verdict=str(layout.VERDICT),
    log:
        "logs/verdict.log",
    params:
        read=str(layout.RUN_PARAMS),
        suite=MATRIX.suite,
        tasks=",".join(MATRIX.tasks),
        models=",".join(MATRIX.models),
    shell:
        "python -m assay.stages.verdict --params {params.read} --suite {params.suite} --tasks {params.tasks}"
        " --models {params.models} --out {output.verdict} --log {log}"
