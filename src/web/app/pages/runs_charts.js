// Charts across the runs of an experiment: each metric as bars or curves, parallel coordinates and scatter over all
// runs, and the elbow of clusterings.

import {barChart} from "../charts/bars.js";
import {elbowChart} from "../charts/evaluation.js";
import {lineChart, X_KINDS} from "../charts/lines.js";
import {isClusterMetric} from "../charts/recognise.js";
import {mlflow} from "../lib/api.js";
import {fill, h} from "../lib/dom.js";
import {number, plural} from "../lib/format.js";
import {card, segments} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {fetchAllRuns} from "../lib/runs.js";
import {drawDimensions} from "./dimensions.js";
import {RunPicker} from "./run_picker.js";

const LIMIT = 10000; // runs in the pictures of all
const CURVES = 30; // runs with curves

export class RunCharts {
    constructor(view) {
        this.view = view;
        this.options = {x: "step", log: false, smoothing: 0};
        this.tab = "metrics";
        this.charts = new Map();
        this.words = "";
        this.list = h("div.stack");
        this.which = h("span.muted");
        this.element = h("div.charts-page", this.toolbar(), this.list);
    }

    toolbar() {
        this.curveTools = h("span.contents",
            h("input", {type: "search", placeholder: "Search metrics", "aria-label": "Search metrics",
                oninput: (event) => {
                this.words = event.target.value.toLowerCase();
                this.draw();
            }}),
            segments(X_KINDS, "step", (x) => this.set({x}), "Horizontal axis"),
            h("label.inline", h("input", {type: "checkbox", onchange: (e) => this.set({log: e.target.checked})}),
                "Log scale"),
            h("label.inline", "Smoothing",
                h("input", {type: "range", min: 0, max: 0.99, step: 0.01, value: 0, "aria-label": "Smoothing",
                oninput: (e) => this.set({smoothing: Number(e.target.value)})})));
        return h("div.toolbar", segments([["metrics", "Metrics"], ["dimensions", "Parallel and scatter"]], this.tab,
            (tab) => {
            this.tab = tab;
            this.draw();
        }, "Charts"), this.curveTools, this.which);
    }

    /** Selected runs when there are any, else all that match. */
    async load() {
        const {view} = this;
        try {
            const chosen = [...view.selection.chosen.values()];
            const {runs, total, keys} = await fetchAllRuns(view.query(), LIMIT, view.page.signal);
            view.loaded(null, total, keys);
            this.runs = chosen.length ? chosen : runs;
            this.keys = keys;
            this.picker = new RunPicker(this.runs, CURVES, () => this.drawMetricCards());
            this.draw();
        } catch (error) {
            if (error.name !== "AbortError") view.loaded(error);
        }
    }

    set(options) {
        Object.assign(this.options, options);
        for (const [chart, series] of this.charts) chart.update(series, this.chartOptions());
    }

    chartOptions() {
        return {...this.options, height: 210};
    }

    draw() {
        if (!this.runs) return;
        this.charts.clear();
        this.observer?.disconnect();
        this.curveTools.hidden = this.tab !== "metrics";
        if (!this.runs.length) fill(this.list, h("p.empty", "No runs match."));
        else if (this.tab === "metrics") this.drawMetrics();
        else this.drawAll();
    }

    drawAll() {
        this.which.textContent = plural(this.runs.length, "run");
        const differs = (name) => new Set(this.runs.map((run) => run.param(name))).size > 1;
        fill(this.list, drawDimensions(this.runs, this.keys, this.keys.params.filter(differs)));
    }

    drawMetrics() {
        this.which.textContent = "";
        this.cards = h("div.stack");
        fill(this.list, this.picker.element, this.cards);
        this.drawMetricCards();
    }

    drawMetricCards() {
        this.charts.clear();
        this.observer?.disconnect();
        this.shown = this.picker.shown;
        this.observer = new IntersectionObserver((entries) => {
            for (const entry of entries) {
                if (!entry.isIntersecting) continue;
                this.observer.unobserve(entry.target);
                this.fillCard(entry.target);
            }
        }, {rootMargin: "300px"});
        const names = this.keys.metrics.filter((name) => name.toLowerCase().includes(this.words) &&
            this.shown.some((run) => run.metric(name) !== null));
        fill(this.cards, this.elbow(names), names.length ? h("div.charts", names.map((name) => this.card(name))) :
            h("p.empty", this.shown.length ? "No metrics." : "No runs are chosen."));
    }

    /** Runs of one clustering with different numbers of clusters: cost and silhouette over k. */
    elbow(names) {
        const param = ["k", "n_clusters", "num_clusters"].find((name) => this.keys.params.includes(name));
        if (!param) return null;
        const series = names.filter(isClusterMetric).map((name) => ({name, points: this.runs
            .map((run) => [Number(run.param(param) ?? NaN), Number(run.metric(name) ?? NaN)])
            .filter((point) => point.every(Number.isFinite)).sort((a, b) => a[0] - b[0])}))
                .filter((one) => one.points.length > 2);
        return series.length ? card("Number of clusters", elbowChart(series)) : null;
    }

    card(name) {
        const element = card(h("header", h("h2.clip", {title: name}, name)),
            h("div.chart", {style: {"min-height": "120px"}}));
        element.metric = name;
        this.observer.observe(element);
        return element;
    }

    async fillCard(element) {
        const name = element.metric;
        const runs = this.shown.filter((run) => run.metric(name) !== null);
        const reply = await mlflow.get("metrics/get-history-bulk-interval",
            {run_ids: runs.map((run) => run.id), metric_key: name, max_results: 320}, this.view.page.signal)
                .catch(() => null);
        if (!reply || !element.isConnected) return;
        const series = runs.map((run) =>
            ({label: run.name, color: run.color, points: (reply.metrics ?? []).filter((p) => p.run_id === run.id)}));
        const curves = series.some((one) => one.points.length > 1);
        const chart = curves ? lineChart(series, this.chartOptions())
            : barChart(runs.map((run) => ({label: run.name || run.id,
            value: Number(run.metric(name)), color: run.color,
                href: link(["experiments", run.experiment, "runs", run.id])})));
        if (curves) this.charts.set(chart, series);
        element.lastChild.replaceWith(chart);
        element.title = curves ? ""
            : `${name} of ${runs.length} runs, mean ${number(mean(runs.map((run) => Number(run.metric(name)))))}`;
    }
}

function mean(values) {
    return values.reduce((a, b) => a + b, 0) / values.length;
}
