// Points of runs: one value against another, coloured by a third.

import {h} from "../lib/dom.js";
import {number} from "../lib/format.js";
import {rampColor, themeColor} from "./colors.js";
import {axes, canvas, makeTip, resizing} from "./frame.js";
import {extent, widen} from "./scale.js";

const HEIGHT = 380;
const NEAR = 14; // pixels

/**
 * points: [{x, y, z (colour, may be null), label, href}]; axes are numeric, or categories when `names` are given.
 * options: {xLabel, yLabel, zLabel, xNames, yNames}
 */
export function scatterChart(points, options) {
    return resizing((width, element) => {
        const tip = makeTip(element);
        const frame = axes(width, HEIGHT, axis(points.map((p) => p.x), options.xLabel, options.xNames),
            axis(points.map((p) => p.y), options.yLabel, options.yNames));
        const [layer, context] = canvas(width, HEIGHT);
        const [low, high] = extent(points.map((p) => p.z ?? NaN));
        const placed = points.filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y))
            .map((point) => ({point, x: frame.x(point.x), y: frame.y(point.y)}));
        for (const {point, x, y} of placed) {
            context.beginPath();
            context.arc(x, y, placed.length > 1000 ? 2.5 : 4.5, 0, 2 * Math.PI);
            context.fillStyle = point.color ?? (Number.isFinite(point.z)
                ? rampColor((point.z - low) / (high - low), 0.8) :
                themeColor("accent"));
            context.fill();
        }
        layer.style.position = "absolute";
        layer.style.inset = "0";
        layer.addEventListener("pointermove", (event) => showNearest(event, placed, tip, options, layer));
        layer.addEventListener("pointerleave", () => tip.hide());
        layer.addEventListener("click", (event) => {
            const hit = nearest(event, placed);
            if (hit?.point.href) location.hash = hit.point.href.slice(1);
        });
        return [frame.svg, layer, tip.element];
    });
}

/** Numbers, or positions of names. */
function axis(values, label, names) {
    if (!names) return {domain: widen(extent(values)), label};
    return {domain: [-0.5, names.length - 0.5], ticks: names.map((_, i) => i), label, format: (i) => names[i] ?? ""};
}

function nearest(event, placed) {
    let best = null, distance = NEAR * NEAR;
    for (const one of placed) {
        const d = (one.x - event.offsetX) ** 2 + (one.y - event.offsetY) ** 2;
        if (d < distance) [best, distance] = [one, d];
    }
    return best;
}

function showNearest(event, placed, tip, options, layer) {
    const hit = nearest(event, placed);
    layer.style.cursor = hit?.point.href ? "pointer" : "default";
    if (!hit) return tip.hide();
    const {point} = hit;
    const row = (name, value, names) =>
        h("div", h("span.muted", name), h("span.value", names ? names[value] : number(value)));
    return tip.show(hit.x, hit.y, h("strong", point.label), row(options.xLabel, point.x, options.xNames),
        row(options.yLabel, point.y, options.yNames), Number.isFinite(point.z) && row(options.zLabel, point.z));
}
