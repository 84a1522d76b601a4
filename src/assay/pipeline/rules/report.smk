# The report is always built; the exit code of the verdict then says whether anything failed.


rule report:
    input:
        validated=GRAPH.validated,
        evaluated=GRAPH.evaluated,
    output:
        # `update`: if this job fails, these files stay as they were.
        page=report(
            update(f"{GRAPH.reports}/index.html"),
            caption="captions/results.rst",
            category="Results",
        ),
        record=GRAPH.report_record,
        results=update(f"{GRAPH.reports}/results.csv"),
        costs=update(f"{GRAPH.reports}/costs.csv"),
        estimates=update(f"{GRAPH.reports}/estimates.csv"),
        tests=update(f"{GRAPH.reports}/tests.csv"),
        markdown=update(f"{GRAPH.reports}/results.md"),
        metrics=update(f"{GRAPH.reports}/metrics.json"),
        tables=directory(f"{GRAPH.reports}/tables"),
        cards=directory(f"{GRAPH.reports}/cards"),
        figures=report(
            directory(f"{GRAPH.reports}/figures"),
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
        verdict=str(GRAPH.verdict),
    log:
        "logs/verdict.log",
    params:
        read=str(paths.RUN_PARAMS),
        suite=MATRIX.suite,
        tasks=",".join(MATRIX.only_tasks),
        models=",".join(MATRIX.only_models),
    shell:
        "python -m assay.pipeline.stages.verdict --params {params.read} --suite {params.suite} --tasks={params.tasks}"
        " --models={params.models} --out {output.verdict} --log {log}"
