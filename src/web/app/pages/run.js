// One run: what it is, its params, metrics, artifacts and models.

import {mlflow} from "../lib/api.js";
import {confirmDialog, formDialog, menu, reportError, toast} from "../lib/dialog.js";
import {fill, h, icon, refill} from "../lib/dom.js";
import {copyButton, failed, heading, statusBadge, tabs} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {deleteRuns, purgeRuns, restoreRuns, runOfApi} from "../lib/runs.js";

// Tabs by the last part of the address; those of MLflow's own addresses mean the same.
const TABS = {
    overview: () => import("./run_overview.js"), metrics: () => import("./run_metrics.js"),
    "model-metrics": () => import("./run_metrics.js"), "system-metrics": () => import("./run_metrics.js"),
    artifacts: () => import("./run_artifacts.js"), model: () => import("./run_model.js"),
};

export default async function runPage(page, params) {
    const [name, ...rest] = (params.tab || "overview").split("/");
    const tab = name in TABS ? name : "overview";
    const view = new RunView(page, params.experiments, params.run, tab, rest.join("/"));
    try {
        await view.load();
    } catch (error) {
        if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
        return;
    }
    view.draw();
    page.poll(5000, () => view.refresh());
}

class RunView {
    constructor(page, experiment, id, tab, path) {
        this.page = page;
        this.experiment = experiment;
        this.id = id;
        this.tab = tab;
        this.path = path; // of an artifact
    }

    async load() {
        const [{run}, experiment] = await Promise.all([
            mlflow.get("runs/get", {run_id: this.id}, this.page.signal),
            this.experimentName ?? mlflow.get("experiments/get", {experiment_id: this.experiment}, this.page.signal)
                .catch(() => null),
        ]);
        if (experiment?.experiment) this.experimentName = experiment.experiment.name;
        this.data = run;
        this.run = runOfApi(run);
        this.experiment = run.info.experiment_id;
    }

    address(...more) {
        return link(["experiments", this.experiment, "runs", this.id, ...more]);
    }

    async draw() {
        this.page.title(this.run.name || this.id);
        this.head = h("div");
        this.body = h("div");
        fill(this.page.root, h("div.page", this.head, this.body));
        this.drawHead();
        const module = await TABS[this.tab]();
        if (this.page.signal.aborted) return;
        this.content = await module.default(this, this.body);
    }

    drawHead() {
        const {run} = this;
        const metrics = run.keys.metrics.size;
        const current = {"model-metrics": "metrics", "system-metrics": "metrics"}[this.tab] ?? this.tab;
        refill(this.head, heading(run.name || run.id, {
            crumbs: [["Experiments", "#/experiments"], [this.experimentName ?? `Experiment ${this.experiment}`,
                link(["experiments", this.experiment])]],
            beside: [statusBadge(run.status), run.stage === "deleted" && h("span.badge.bad", "deleted"),
                h("span.mono.faint.nowrap", run.id.slice(0, 8), copyButton(run.id, "Copy the run id"))],
            actions: [h("button", {onclick: () => this.rename()}, icon("edit"), "Rename"), this.menuButton()],
        }), tabs([
            ["overview", "Overview", this.address()],
            ["metrics", "Metrics", this.address("metrics"), metrics || undefined],
            ["artifacts", "Artifacts", this.address("artifacts")],
            this.hasModel() && ["model", "Model", this.address("model")],
        ], current));
    }

    hasModel() {
        return Boolean(this.run.tag("mlflow.log-model.history") || this.data.outputs?.model_outputs?.length) ||
            this.tab === "model";
    }

    menuButton() {
        const rows = this.run.stage === "deleted" ?
            [["Restore", () => this.restore()], ["Delete permanently", () => this.purge(), "danger"]] :
            [["Delete", () => this.remove(), "danger"]];
        return h("button", {"aria-label": "More", "aria-haspopup": "menu",
            onclick: (event) => menu(event.currentTarget, rows)}, icon("menu"));
    }

    async refresh() {
        if (this.data.info.status !== "RUNNING" && this.data.info.status !== "SCHEDULED") return;
        await this.load();
        this.drawHead();
        this.content?.update?.();
    }

    async reload() {
        await this.load();
        await this.draw();
    }

    async rename() {
        const done = await formDialog({title: "Rename run",
            fields: [{name: "name", label: "Name", value: this.run.name, required: true}],
            submit: ({name}) => mlflow.post("runs/update", {run_id: this.id, run_name: name})});
        if (done) await this.reload();
    }

    async remove() {
        if (await confirmDialog("Delete this run?",
            "It stays under “Deleted” until it is restored or deleted permanently.", "Delete",
            () => deleteRuns([this.id]))) await this.reload();
    }

    async restore() {
        try {
            await restoreRuns([this.id]);
            toast("Restored");
            await this.reload();
        } catch (error) {
            reportError(error);
        }
    }

    async purge() {
        if (await confirmDialog("Delete this run permanently?",
            "Its metrics, parameters and artifacts are removed. This cannot be undone.", "Delete permanently",
            () => purgeRuns([this.id]))) location.hash = link(["experiments", this.experiment]);
    }
}
