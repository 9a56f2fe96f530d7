// Lines over steps or time, by uPlot: zoom by dragging, back by a double click.

import uPlot from "../vendor/uplot.js";
import {fill, h} from "../lib/dom.js";
import {dateTime, duration, number} from "../lib/format.js";
import {themeColor, themeFont} from "./colors.js";
import {makeTip} from "./frame.js";

const STYLE = new URL("../vendor/uplot.css", import.meta.url).href;
if (!document.querySelector(`link[href="${STYLE}"]`)) document.head.append(h("link", {rel: "stylesheet", href: STYLE}));

export const X_KINDS = [["step", "Step"], ["time", "Wall time"], ["relative", "Relative time"]];

/** Exponential moving average without the bias of its first values, as TensorBoard draws it; `weight` in [0, 1). */
export function smooth(values, weight) {
    let mean = 0, seen = 0;
    return values.map((value) => {
        if (!Number.isFinite(value)) return null;
        mean = mean * weight + (1 - weight) * value;
        seen++;
        return mean / (1 - weight ** seen);
    });
}

/**
 * series: [{label, color, points: [{step, timestamp, value}]}], points in order.
 * options: {x ("step", "time", "relative"), log, smoothing, height, fromZero (the vertical axis),
 *           sync (a name: cursors of one name move together)}
 * The element has update(series, options).
 */
export function lineChart(series, options) {
    const element = h("div.chart");
    element.isOwn = true;
    const tip = makeTip(element);
    let plot = null;
    let state = {series, options};
    const draw = () => {
        const width = element.clientWidth;
        if (!width) return;
        plot?.destroy();
        const shown = prepare(state.series, state.options);
        fill(element, tip.element);
        plot = new uPlot(plotOptions(shown, state.options, width, tip, element), shown.data, element);
    };
    const observer = new ResizeObserver(() => {
        if (!plot) draw();
        else if (element.clientWidth && element.clientWidth !== plot.width) {
            plot.setSize({width: element.clientWidth, height: state.options.height ?? 200});
        }
    });
    observer.observe(element);
    const onTheme = () => element.isConnected ? draw() : removeEventListener("themechange", onTheme);
    addEventListener("themechange", onTheme);
    element.update = (newSeries, newOptions) => {
        state = {series: newSeries, options: newOptions};
        draw();
    };
    return element;
}

function xOf(point, kind, first) {
    if (kind === "time") return point.timestamp / 1000;
    if (kind === "relative") return (point.timestamp - first) / 1000;
    return Number(point.step);
}

/** Columns for uPlot, and which of them are only the faint lines behind smoothed ones. */
function prepare(series, {x = "step", log = false, smoothing = 0}) {
    const tables = [], drawn = [];
    for (const one of series) {
        const first = one.points[0]?.timestamp ?? 0;
        const byX = new Map(one.points.map((p) => [xOf(p, x, first), Number(p.value)]));
        const xs = [...byX.keys()].sort((a, b) => a - b);
        const ys = xs.map((at) => {
            const y = byX.get(at);
            return Number.isFinite(y) && !(log && y <= 0) ? y : null;
        });
        const columns = smoothing > 0 && xs.length > 2 ? [ys, smooth(ys, smoothing)] : [ys];
        columns.forEach((_, i) =>
            drawn.push({...one, faint: columns.length === 2 && i === 0, single: xs.length < 2, n: xs.length}));
        tables.push([xs, ...columns]);
    }
    return {data: tables.length ? uPlot.join(tables) : [[], []], drawn};
}

function plotOptions({drawn}, options, width, tip, element) {
    const line = themeColor("line"), muted = themeColor("muted");
    const axis = {stroke: muted, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1, size: 4},
        font: `11px ${themeFont()}`};
    const xText = {
        step: (value) => number(value), relative: (value) => duration(value * 1000),
            time: (value) => dateTime(value * 1000),
    }[options.x ?? "step"];
    const xAxis = {...axis, size: 26};
    if (options.x !== "time") xAxis.values = (_, values) =>
        values.map((v) => options.x === "relative" ? duration(v * 1000) : number(v));
    return {
        width, height: options.height ?? 200, legend: {show: false},
        cursor: {points: {size: 6}, sync: options.sync ? {key: options.sync} : undefined},
        scales: {x: {time: options.x === "time"}, y: {distr: options.log ? 3 : 1,
            ...(options.fromZero && {range: (_, low, high) => [0, (high || 1) * 1.1]})}},
        axes: [xAxis, {...axis, size: 56, values: (_, values) => values.map((v) => v === null ? "" : number(v, 4))}],
        series: [{}, ...drawn.map((one) => ({
            label: one.label, stroke: one.color, width: one.faint ? 1 : 1.6, alpha: one.faint ? 0.28 : 1,
                spanGaps: true,
            points: {show: one.single || one.n <= 25 && !one.faint, size: one.single ? 7 : 4, fill: one.color},
        }))],
        hooks: {setCursor: [(plot) => showTip(plot, drawn, xText, tip, element)]},
    };
}

/** Values at the cursor, those of the nearest lines first when there are many. */
function showTip(plot, drawn, xText, tip, element) {
    const {idx, left, top} = plot.cursor;
    if (idx === null || idx === undefined || left < 0) return tip.hide();
    const here = plot.posToVal(top, "y");
    const rows = drawn.map((one, i) => ({one, value: plot.data[i + 1][idx]}))
        .filter(({one, value}) => !one.faint && value !== null && value !== undefined)
        .sort((a, b) => Math.abs(a.value - here) - Math.abs(b.value - here)).slice(0, 8);
    if (!rows.length) return tip.hide();
    const offset = plot.over.getBoundingClientRect().left - element.getBoundingClientRect().left;
    return tip.show(left + offset, top, h("div.muted", xText(plot.data[0][idx])), rows.map(({one, value}) =>
        h("div", h("span.swatch", {style: {background: one.color}}), h("span.clip", one.label),
            h("span.value", number(value, 6)))));
}
