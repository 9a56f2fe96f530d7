// Charts of how good a model is, out of what runs logged: ROC and precision-recall curves, confusion matrices, the
// elbow of clusterings. What is recognised is documented in recognise.js.

import {h, s} from "../lib/dom.js";
import {count, number} from "../lib/format.js";
import {seriesColor} from "./colors.js";
import {axes, resizing} from "./frame.js";
import {extent, widen} from "./scale.js";

const SQUARE = 440;

/** curves: [{label, x: [], y: [], area}]; kind "roc" has the diagonal of guessing. */
export function curveChart(curves, kind) {
    const [xLabel, yLabel] = kind === "roc" ? ["False positive rate", "True positive rate"] : ["Recall", "Precision"];
    return h("div.square", resizing((width) => {
        const frame = axes(width, Math.min(width, SQUARE), {domain: [0, 1], label: xLabel},
            {domain: [0, 1], label: yLabel});
        if (kind === "roc") {
            frame.svg.append(s("line.axis",
                {x1: frame.x(0), y1: frame.y(0), x2: frame.x(1), y2: frame.y(1), "stroke-dasharray": "4 4"}));
        }
        curves.forEach((curve, i) => frame.svg.append(s("path", {d: pathOf(curve, frame), fill: "none",
            stroke: curve.color ?? seriesColor(i), "stroke-width": 1.8})));
        return frame.svg;
    }), legend(curves));
}

function legend(curves) {
    return h("div.legend",
        curves.map((curve, i) => h("span", h("span.swatch", {style: {background: curve.color ?? seriesColor(i)}}),
        h("span.clip", curve.label), Number.isFinite(curve.area) && h("span.faint", `area ${number(curve.area, 4)}`))));
}

function pathOf(curve, frame) {
    return curve.x.map((x, i) => `${i ? "L" : "M"}${frame.x(x).toFixed(1)},${frame.y(curve.y[i]).toFixed(1)}`).join("");
}

/** The area below a curve by trapezoids. */
export function areaOf(x, y) {
    let area = 0;
    for (let i = 1; i < x.length; i++) area += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
    return Math.abs(area);
}

/** {labels, matrix}: rows are true classes, columns predicted ones; shaded by the share of the row. */
export function confusionChart({labels, matrix}) {
    return h("div.table-wrap", h("table.matrix",
        h("thead", h("tr", h("th", "true ╲ predicted"), labels.map((label) => h("th", String(label))))),
        h("tbody", matrix.map((row, i) => {
            const sum = row.reduce((a, b) => a + b, 0) || 1;
            return h("tr", h("th", String(labels[i])), row.map((n, j) => {
                const share = n / sum;
                const color = i === j ? "var(--good)" : "var(--bad)";
                const ground = `color-mix(in srgb, ${color} ${Math.round(share * 70)}%, transparent)`;
                return h("td", {style: {background: ground}},
                    count(n), h("small", `${(share * 100).toFixed(1)} %`));
            }));
        }))));
}

/** Cost and silhouette over the number of clusters: series [{name, points: [[k, value]]}], one or two of them. */
export function elbowChart(series) {
    const ks = [...new Set(series.flatMap((one) => one.points.map((p) => p[0])))].sort((a, b) => a - b);
    return h("div.cards", series.map((one, i) => resizing((width) => elbowLine(one, ks, seriesColor(i), width))));
}

function elbowLine(one, ks, color, width) {
    const frame = axes(width, 230, {domain: widen(extent(ks), 0.04), label: "clusters (k)", ticks: everyOther(ks)},
        {domain: widen(extent(one.points.map((p) => p[1])), 0.1), label: one.name});
    const best = bestPoint(one);
    frame.svg.append(s("path", {fill: "none", stroke: color, "stroke-width": 1.8,
        d: one.points.map(([k, v], j) => `${j ? "L" : "M"}${frame.x(k)},${frame.y(v)}`).join("")}));
    for (const [k, v] of one.points) {
        frame.svg.append(s("circle", {cx: frame.x(k), cy: frame.y(v), r: best && k === best[0] ? 6 : 3.5, fill: color},
            s("title", null, `k = ${k}: ${number(v, 6)}`)));
    }
    if (best) frame.svg.append(s("text.strong", {x: frame.x(best[0]) + 9, y: frame.y(best[1]) - 8}, `k = ${best[0]}`));
    return frame.svg;
}

function everyOther(ks) {
    const every = Math.ceil(ks.length / 12);
    return ks.filter((_, i) => i % every === 0);
}

/** The largest silhouette; for costs the elbow: the point farthest from the line between first and last. */
export function bestPoint({name, points}) {
    if (points.length < 3) return null;
    if (/silhouette/i.test(name)) return points.reduce((a, b) => b[1] > a[1] ? b : a);
    const [x0, y0] = points[0], [x1, y1] = points[points.length - 1];
    const dx = x1 - x0, dy = y1 - y0;
    if (!dx || !dy) return null;
    // Both axes are scaled to [0, 1], so that the distance does not depend on units.
    const distance = ([x, y]) => Math.abs((x - x0) / dx - (y - y0) / dy);
    return points.reduce((a, b) => distance(b) > distance(a) ? b : a);
}
