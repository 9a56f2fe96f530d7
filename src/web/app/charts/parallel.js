// Parallel coordinates: one line a run through an axis for each param and metric. Dragging along an axis keeps the runs
// that pass there; pointing at a line tells which run it is.

import {h, s} from "../lib/dom.js";
import {number} from "../lib/format.js";
import {rampColor, themeColor} from "./colors.js";
import {canvas, makeTip, resizing} from "./frame.js";
import {extent, linear, ticks} from "./scale.js";

const HEIGHT = 360, TOP = 44, BOTTOM = 18, SIDE = 60;
const MOST_NAMES = 24;
const LEAST_STEP = 84; // pixels between two axes: a narrow window scrolls

/** A dimension {name, value(row)}: numbers get a scale, other values places in alphabetical order. */
function makeAxis(dimension, rows) {
    const values = rows.map((row) => dimension.value(row));
    const range = [HEIGHT - BOTTOM, TOP];
    const known = values.filter((v) => v !== null && v !== "");
    if (known.length && known.every((v) => Number.isFinite(Number(v)))) {
        const domain = extent(known.map(Number));
        const scale = linear(domain, range);
        return {...dimension, numeric: true, domain, place: (v) => v === null || v === "" ? null : scale(Number(v)),
            marks: ticks(domain, 6).map((v) => [scale(v), number(v, 4)])};
    }
    const names = [...new Set(known)].sort((a, b) => String(a).localeCompare(String(b), undefined, {numeric: true}));
    const scale = linear([-0.5, Math.max(0.5, names.length - 0.5)], range);
    const index = new Map(names.map((name, i) => [name, i]));
    const every = Math.ceil(names.length / MOST_NAMES);
    return {...dimension, numeric: false, place: (v) => index.has(v) ? scale(index.get(v)) : null,
        marks: names.map((name, i) => [scale(i), clip(String(name))]).filter((_, i) => i % every === 0)};
}

function clip(text) {
    return text.length > 14 ? `${text.slice(0, 13)}…` : text;
}

/**
 * rows: anything; dimensions: [{name, value(row)}]; options: {label(row), href(row), color: dimension name or null,
 * onKept(rows): told which rows pass all brushes}
 */
export function parallelChart(rows, dimensions, options) {
    const brushes = new Map(); // name of an axis → [top, bottom] in pixels
    let hovered = null;
    return resizing((room, element) => {
        const list = dimensions.map((dimension) => makeAxis(dimension, rows));
        const width = Math.max(room, (list.length - 1) * LEAST_STEP + 2 * SIDE);
        const step = list.length > 1 ? (width - 2 * SIDE) / (list.length - 1) : 0;
        const xs = list.map((_, i) => list.length > 1 ? SIDE + i * step : width / 2);
        const lines = makeLines(rows, list, xs, options);
        const [layer, context] = canvas(width, HEIGHT);
        const tip = makeTip(element);
        const paint = () => paintLines(context, width, lines, brushes, list, hovered);
        const svg = s("svg",
            {width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
                "aria-label": "Parallel coordinates",
            style: "position:absolute;inset:0"});
        svg.append(...list.map((axis, i) => drawAxis(axis, xs[i], i, brushes, () => {
            paint();
            options.onKept?.(lines.filter((line) => passes(line, brushes, list)).map((line) => line.row));
        })));
        svg.addEventListener("pointermove", (event) => {
            const box = svg.getBoundingClientRect();
            const [x, y] = [event.clientX - box.left, event.clientY - box.top];
            const hit = nearestLine(lines.filter((line) => passes(line, brushes, list)), xs, x, y);
            if (hit?.row !== hovered?.row) {
                hovered = hit;
                paint();
            }
            if (!hit) return tip.hide();
            return tip.show(x, y, h("strong", options.label(hit.row)), list.slice(0, 12).map((axis) => {
                const value = axis.value(hit.row);
                return h("div", h("span.muted.clip", axis.name),
                    h("span.value", axis.numeric ? number(value) : value ?? "–"));
            }));
        });
        svg.addEventListener("pointerleave", () => {
            hovered = null;
            tip.hide();
            paint();
        });
        svg.addEventListener("dblclick",
            () => { if (hovered && options.href) location.hash = options.href(hovered.row).slice(1); });
        paint();
        const drawing = h("div", {style: {position: "relative", width: `${width}px`, height: `${HEIGHT}px`}}, layer,
            svg, tip.element);
        return h("div.parallel", drawing);
    });
}

function makeLines(rows, list, xs, options) {
    const axis = list.find((a) => a.name === options.color && a.numeric);
    return rows.map((row) => {
        const at = axis ? axis.value(row) : null;
        const t = at === null || at === "" ? null : (Number(at) - axis.domain[0]) / (axis.domain[1] - axis.domain[0]);
        return {row, ys: list.map((a) => a.place(a.value(row))), xs, t};
    });
}

function passes(line, brushes, list) {
    return list.every((axis, i) => {
        const brush = brushes.get(axis.name);
        return !brush || (line.ys[i] !== null && line.ys[i] >= brush[0] && line.ys[i] <= brush[1]);
    });
}

function paintLines(context, width, lines, brushes, list, hovered) {
    context.clearRect(0, 0, width, HEIGHT);
    const alpha = lines.length > 1000 ? 0.15 : lines.length > 100 ? 0.4 : 0.8;
    const faint = themeColor("line"), accent = themeColor("accent");
    const stroke = (line, color, size) => {
        context.beginPath();
        context.strokeStyle = color;
        context.lineWidth = size;
        let drawing = false;
        line.ys.forEach((y, i) => {
            if (y === null) drawing = false;
            else if (drawing) context.lineTo(line.xs[i], y);
            else {
                context.moveTo(line.xs[i], y);
                drawing = true;
            }
        });
        context.stroke();
    };
    const kept = [];
    for (const line of lines) {
        if (passes(line, brushes, list)) kept.push(line);
        else stroke(line, faint, 1);
    }
    context.globalAlpha = hovered ? alpha * 0.4 : alpha;
    for (const line of kept) stroke(line, line.t === null ? accent : rampColor(line.t), 1.3);
    context.globalAlpha = 1;
    if (hovered) stroke(hovered, themeColor("text"), 2.5);
}

function drawAxis(axis, x, i, brushes, changed) {
    const height = HEIGHT - BOTTOM - TOP;
    const rect = s("rect", {x: x - 7, width: 14, fill: "var(--accent)", "fill-opacity": 0.25, stroke: "var(--accent)"});
    const showBrush = () => {
        const brush = brushes.get(axis.name);
        rect.setAttribute("y", brush ? brush[0] : 0);
        rect.setAttribute("height", brush ? brush[1] - brush[0] : 0);
        rect.setAttribute("visibility", brush ? "visible" : "hidden");
    };
    showBrush();
    const grip = s("rect", {x: x - 16, y: TOP - 4, width: 32, height: height + 8, fill: "transparent",
        style: "cursor:ns-resize;touch-action:none",
        onpointerdown: (down) => {
            down.preventDefault();
            const box = grip.ownerSVGElement.getBoundingClientRect();
            const from = down.clientY - box.top;
            const move = (event) => {
                const to = Math.max(TOP - 4, Math.min(HEIGHT - BOTTOM + 4, event.clientY - box.top));
                if (Math.abs(to - from) < 4) brushes.delete(axis.name);
                else brushes.set(axis.name, [Math.min(from, to), Math.max(from, to)]);
                showBrush();
                changed();
            };
            move(down);
            addEventListener("pointermove", move);
            addEventListener("pointerup", () => removeEventListener("pointermove", move), {once: true});
        }});
    return s("g", null,
        s("line.axis", {x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM}),
        s("text.strong", {x, y: i % 2 ? 14 : 28, "text-anchor": "middle"}, clip(axis.name),
            s("title", null, axis.name)),
        axis.marks.map(([y, text]) => s("text", {x: x + 6, y: y + 4}, text)), rect, grip);
}

function nearestLine(lines, xs, x, y) {
    let i = xs.findIndex((at) => at > x);
    if (i <= 0) i = i === 0 ? 1 : xs.length - 1;
    const t = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
    let best = null, distance = 12;
    for (const line of lines) {
        const [a, b] = [line.ys[i - 1], line.ys[i]];
        if (a === null || b === null || a === undefined || b === undefined) continue;
        const d = Math.abs(a + (b - a) * t - y);
        if (d < distance) [best, distance] = [line, d];
    }
    return best;
}
