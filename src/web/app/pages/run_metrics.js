// The metrics of a run as charts, drawn again while it runs; clusterings' elbow on top when there is one.

import {lineChart, X_KINDS} from "../charts/lines.js";
import {elbowChart} from "../charts/evaluation.js";
import {isClusterMetric} from "../charts/recognise.js";
import {seriesColor} from "../charts/colors.js";
import {all, mlflow} from "../lib/api.js";
import {reportError} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {download, toCsv} from "../lib/download.js";
import {number} from "../lib/format.js";
import {card, segments} from "../lib/parts.js";

const POINTS = 1000; // of a metric: more are thinned out by the server

export default function drawMetrics(view, root) {
    const content = new MetricCharts(view, root);
    content.draw();
    return content;
}

class MetricCharts {
    constructor(view, root) {
        this.view = view;
        this.root = root;
        this.options = {x: "step", log: false, smoothing: 0};
        this.history = new Map(); // name → points
        this.charts = new Map(); // name → element with update()
        this.words = "";
    }

    get names() {
        const system = this.view.tab === "system-metrics";
        return [...this.view.run.keys.metrics.keys()].filter((name) => name.toLowerCase().includes(this.words) &&
            (!system || name.startsWith("system/"))).sort();
    }

    draw() {
        this.list = h("div.stack");
        const smoothing = h("input", {type: "range", min: 0, max: 0.99, step: 0.01, value: 0, "aria-label": "Smoothing",
            oninput: () => {
                shown.textContent = Number(smoothing.value).toFixed(2);
                this.set({smoothing: Number(smoothing.value)});
            }});
        const shown = h("span.mono", "0.00");
        fill(this.root, h("div.toolbar",
            h("input", {type: "search", placeholder: "Search metrics", "aria-label": "Search metrics",
                oninput: (event) => {
                this.words = event.target.value.toLowerCase();
                this.drawList();
            }}),
            segments(X_KINDS, this.options.x, (x) => this.set({x}), "Horizontal axis"),
            h("label.inline", h("input",
                {type: "checkbox", onchange: (event) => this.set({log: event.target.checked})}), "Log scale"),
            h("label.inline", "Smoothing", smoothing, shown)), this.list);
        this.drawList();
    }

    set(options) {
        Object.assign(this.options, options);
        for (const [name, chart] of this.charts) chart.update(this.series(name), this.chartOptions());
    }

    chartOptions() {
        return {...this.options, height: 190, sync: this.view.id};
    }

    series(name) {
        return [{label: name, color: seriesColor(0), points: this.history.get(name) ?? []}];
    }

    /** Cards by the part of the names before the first slash; charts are filled when they come into sight. */
    drawList() {
        this.charts.clear();
        this.observer?.disconnect();
        this.observer = new IntersectionObserver((entries) => {
            for (const entry of entries) {
                if (!entry.isIntersecting) continue;
                this.observer.unobserve(entry.target);
                this.fillCard(entry.target);
            }
        }, {rootMargin: "300px"});
        const groups = groupBy(this.names, groupOf);
        this.elbow = h("div");
        const parts = [...groups].map(([group, names]) =>
            [group && h("h2", group), h("div.charts", names.map((name) => this.card(name)))]);
        fill(this.list, this.elbow, parts.length ? parts : h("p.empty", "No metrics."));
        this.loadElbow();
    }

    card(name) {
        const element = card(h("header", h("h2.clip", {title: name}, name), h("span.grow"),
            h("span.n", number(this.view.run.metric(name), 6)),
            h("button.copy", {title: "Download all values as CSV", "aria-label": `Download ${name}`,
                onclick: () => this.download(name)}, icon("download"))),
        h("div.chart", {style: {"min-height": "190px"}}));
        element.metric = name;
        this.observer.observe(element);
        return element;
    }

    async fillCard(element) {
        const name = element.metric;
        const points = await this.load(name);
        if (!points || !element.isConnected) return;
        if (points.length < 2) {
            element.querySelector(".n").remove();
            element.lastChild.replaceWith(h("div.single", number(this.view.run.metric(name), 8)));
            return;
        }
        const chart = lineChart(this.series(name), this.chartOptions());
        this.charts.set(name, chart);
        element.lastChild.replaceWith(chart);
    }

    /** Every value that was logged, not only those that a chart shows. */
    async download(name) {
        try {
            const points = await all((token) => mlflow.get("metrics/get-history", {run_id: this.view.id,
                metric_key: name, max_results: 25000, page_token: token}, this.view.page.signal), "metrics", 1e6);
            download(`${this.view.run.name} ${name}.csv`, toCsv([["step", "timestamp", "value"],
                ...points.map((point) => [Number(point.step), Number(point.timestamp), Number(point.value)])]));
        } catch (error) {
            reportError(error);
        }
    }

    async load(name) {
        try {
            const reply = await mlflow.get("metrics/get-history-bulk-interval",
                {run_ids: [this.view.id], metric_key: name, max_results: POINTS}, this.view.page.signal);
            this.history.set(name, reply.metrics ?? []);
            return this.history.get(name);
        } catch (error) {
            if (error.name === "AbortError") return null;
            throw error;
        }
    }

    async loadElbow() {
        const series = [];
        for (const name of this.names.filter(isClusterMetric)) {
            const points = (await this.load(name) ?? []).map((p) => [Number(p.step), Number(p.value)])
                .sort((a, b) => a[0] - b[0]);
            if (points.length > 2) series.push({name, points});
        }
        if (series.length) fill(this.elbow, card("Number of clusters", elbowChart(series)));
    }

    /** New values have come: charts in the document get them. */
    async update() {
        const drawn = new Set([...this.list.querySelectorAll(".charts .card")].map((element) => element.metric));
        if (this.names.some((name) => !drawn.has(name))) return this.drawList();
        for (const [name, chart] of this.charts) {
            if (await this.load(name)) chart.update(this.series(name), this.chartOptions());
        }
        return undefined;
    }
}

function groupOf(name) {
    const at = name.indexOf("/");
    return at < 0 ? "" : name.slice(0, at);
}

function groupBy(items, key) {
    const groups = new Map();
    for (const item of items) groups.set(key(item), [...groups.get(key(item)) ?? [], item]);
    return groups;
}
