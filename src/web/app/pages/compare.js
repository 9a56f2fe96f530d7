// Runs beside each other. Opens with what differs: those params and all metrics, in a table, parallel coordinates,
// scatter plots and curves.

import {lineChart, X_KINDS} from "../charts/lines.js";
import {mlflow} from "../lib/api.js";
import {fill, h} from "../lib/dom.js";
import {dateTime, duration, number, plural} from "../lib/format.js";
import {card, failed, heading, runLink, segments, statusDot} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {runsById, valueOf} from "../lib/runs.js";
import {drawDimensions} from "./dimensions.js";
import {RunPicker} from "./run_picker.js";

const CURVES = 40; // runs with curves: more cannot be told apart

export default async function comparePage(page, params, query) {
    page.title("Compare runs");
    const ids = parseList(query.get("runs"));
    const experiments = parseList(query.get("experiments"));
    try {
        const runs = await runsById(ids, experiments, page.signal);
        if (!runs.length) throw new Error("None of these runs is there.");
        new Comparison(page, runs, ids.length).draw();
    } catch (error) {
        if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
    }
}

function parseList(text) {
    try {
        const list = JSON.parse(text ?? "[]");
        return Array.isArray(list) ? list.map(String) : [];
    } catch {
        return [];
    }
}

class Comparison {
    constructor(page, runs, asked) {
        this.page = page;
        this.runs = runs;
        this.asked = asked;
        this.picker = new RunPicker(runs, CURVES, () => this.drawCurves());
        const names = (kind) => [...new Set(runs.flatMap((run) => [...run.keys[kind].keys()]))].sort();
        const tags = names("tags").filter((name) => !name.startsWith("mlflow."));
        this.names = {params: names("params"), metrics: names("metrics"), tags};
        this.differing = this.names.params.filter((name) => this.differs("params", name));
        this.onlyDifferences = true;
        this.curveOptions = {x: "step", log: false, smoothing: 0};
    }

    differs(kind, name) {
        return new Set(this.runs.map((run) => valueOf(run, kind, name))).size > 1;
    }

    draw() {
        const experiments = [...new Set(this.runs.map((run) => run.experiment))];
        this.table = h("div");
        this.curves = h("div");
        fill(this.page.root, h("div.page",
            heading(`Comparing ${plural(this.runs.length, "run")}`, {
                crumbs: [["Experiments", "#/experiments"], ["Runs", link(["experiments", experiments.join(",")])]],
                beside: [h("span.muted", this.summary())],
            }),
            h("div.stack", this.tableCard(), drawDimensions(this.runs, this.names, this.differing),
                this.curvesCard())));
        this.drawTable();
        this.drawCurves();
    }

    summary() {
        const n = this.differing.length;
        const missing = this.asked - this.runs.length;
        return [n ? `${plural(n, "parameter")} ${n === 1 ? "differs" : "differ"}` : "the same parameters",
            missing > 0 && `${plural(missing, "run")} not found`].filter(Boolean).join(", ");
    }

    tableCard() {
        return card(h("header", h("h2", "Side by side"), h("span.grow"), h("label.inline", h("input", {type: "checkbox",
            checked: this.onlyDifferences, onchange: (event) => {
                this.onlyDifferences = event.target.checked;
                this.drawTable();
            }}), "Only what differs")), this.table);
    }

    drawTable() {
        const section = (title, kind, cell) => {
            const names = this.names[kind].filter((name) => !this.onlyDifferences || this.differs(kind, name));
            return names.length ? [h("tr.section", h("th", title), this.runs.map(() => h("td"))),
                names.map((name) => h("tr", h("th", {title: name}, name), this.runs.map((run) => cell(run, name))))]
                    : null;
        };
        const text = (kind) => (run, name) => {
            const value = valueOf(run, kind, name);
            return h("td", {class: this.differs(kind, name) ? "differs" : "", title: value ?? ""},
                value ?? h("span.faint", "–"));
        };
        const sections = [
            section("Metrics", "metrics", (run, name) => {
                const value = run.metric(name);
                const best = value !== null && value === this.bestOf(name);
                return h("td.numeric", {class: best ? "best" : "", title: String(value ?? "")}, number(value, 6));
            }),
            section("Parameters", "params", text("params")), section("Tags", "tags", text("tags")),
        ];
        fill(this.table, h("div.compare-table", h("table",
            h("thead", h("tr", h("th", "Run"),
                this.runs.map((run) =>
                    h("th", statusDot(run.status), " ", runLink(run.experiment, run.id, run.name))))),
            h("tbody", h("tr", h("th", "Started"), this.runs.map((run) => h("td", dateTime(run.start)))),
                h("tr", h("th", "Duration"), this.runs.map((run) => h("td", duration(run.duration)))),
                sections.some(Boolean) ? sections
                    : h("tr", h("th", "No differences"), h("td", {colSpan: this.runs.length}))))));
    }

    /** The best value of a metric: the smallest of what is named like a loss or an error, the largest of others. */
    bestOf(name) {
        const values = this.runs.map((run) => run.metric(name)).filter((v) => typeof v === "number");
        if (new Set(values).size < 2) return null;
        const small = /loss|err|mse|mae|wssse|inertia|cost|time|seconds|latency|duration/i.test(name);
        return small ? Math.min(...values) : Math.max(...values);
    }

    curvesCard() {
        const set = (options) => {
            Object.assign(this.curveOptions, options);
            for (const [chart, series] of this.charts) chart.update(series, {...this.curveOptions, height: 210});
        };
        return card(h("header", h("h2", "Metrics over time"), h("span.grow"),
            segments(X_KINDS, "step", (x) => set({x}), "Horizontal axis"),
            h("label.inline", h("input", {type: "checkbox", onchange: (e) => set({log: e.target.checked})}), "Log"),
            h("label.inline", "Smooth",
                h("input", {type: "range", min: 0, max: 0.99, step: 0.01, value: 0, "aria-label": "Smoothing",
                oninput: (e) => set({smoothing: Number(e.target.value)})}))), this.picker.element, this.curves);
    }

    /** A chart for each metric that has more than one point in some run. */
    async drawCurves() {
        const charts = this.charts = [];
        const runs = this.picker.shown;
        const grid = h("div.charts");
        fill(this.curves, grid);
        for (const name of this.names.metrics) {
            const reply = await mlflow.get("metrics/get-history-bulk-interval",
                {run_ids: runs.map((run) => run.id), metric_key: name, max_results: 320}, this.page.signal)
                    .catch(() => ({}));
            if (this.page.signal.aborted || charts !== this.charts) return; // others were chosen meanwhile
            const series = runs.map((run) => ({label: run.name, color: run.color,
                points: (reply.metrics ?? []).filter((point) => point.run_id === run.id)}));
            if (!series.some((one) => one.points.length > 1)) continue;
            const chart = lineChart(series.filter((one) => one.points.length), {...this.curveOptions, height: 210});
            charts.push([chart, series]);
            grid.append(h("div", h("h3", name), chart));
        }
        if (!charts.length) {
            fill(this.curves, h("p.faint", runs.length ? "No metric was logged more than once."
                : "No runs are chosen."));
        }
    }
}
