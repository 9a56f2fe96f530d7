// A drawing area with two axes, a canvas for many marks and an SVG layer for few; drawn again when its width or the
// theme changes.

import {fill, h, s} from "../lib/dom.js";
import {number} from "../lib/format.js";
import {linear, ticks} from "./scale.js";

const MARGIN = {top: 12, right: 16, bottom: 36, left: 58};

/**
 * An element that `draw(width)` fills; what draw gives back becomes its content. Safe to put into the document later.
 */
export function resizing(draw) {
    const element = h("div.chart");
    element.isOwn = true;
    let width = 0;
    const redraw = () => {
        if (width > 0) fill(element, draw(width, element));
    };
    new ResizeObserver(([entry]) => {
        const now = Math.floor(entry.contentRect.width);
        if (now === width) return;
        width = now;
        requestAnimationFrame(redraw);
    }).observe(element);
    const onTheme = () => element.isConnected ? redraw() : removeEventListener("themechange", onTheme);
    addEventListener("themechange", onTheme);
    element.redraw = redraw;
    return element;
}

/** Axes for x and y ({domain, label, format}): {svg, x, y, plot}, where x and y turn values into positions. */
export function axes(width, height, x, y) {
    const left = MARGIN.left, right = width - MARGIN.right, top = MARGIN.top, bottom = height - MARGIN.bottom;
    const toX = linear(x.domain, [left, right]);
    const toY = linear(y.domain, [bottom, top]);
    const formatX = x.format ?? number, formatY = y.format ?? number;
    const svg = s("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img"},
        ticks(y.domain, Math.max(2, height / 50)).map((value) => [
            s("line.grid", {x1: left, x2: right, y1: toY(value), y2: toY(value)}),
            s("text", {x: left - 6, y: toY(value) + 4, "text-anchor": "end"}, formatY(value)),
        ]),
        (x.ticks ?? ticks(x.domain, Math.max(2, width / 90))).map((value) =>
            s("text", {x: toX(value), y: bottom + 15, "text-anchor": "middle"}, formatX(value))),
        s("line.axis", {x1: left, x2: right, y1: bottom, y2: bottom}),
        s("text", {x: (left + right) / 2, y: height - 4, "text-anchor": "middle"}, x.label ?? ""),
        s("text", {x: 12, y: (top + bottom) / 2, "text-anchor": "middle",
            transform: `rotate(-90 12 ${(top + bottom) / 2})`},
            y.label ?? ""));
    return {svg, x: toX, y: toY, plot: {left, right, top, bottom}};
}

/** A canvas of that size in CSS pixels, sharp on dense screens: [element, context]. */
export function canvas(width, height) {
    const dense = window.devicePixelRatio || 1;
    const element = h("canvas",
        {width: width * dense, height: height * dense, style: {width: `${width}px`, height: `${height}px`}});
    const context = element.getContext("2d");
    context.scale(dense, dense);
    return [element, context];
}

/** A box with text that follows the pointer: tip.show(x, y, ...content), tip.hide(). */
export function makeTip(parent) {
    const box = h("div.chart-tip", {hidden: true});
    return {
        element: box,
        show(x, y, ...content) {
            fill(box, content);
            box.hidden = false;
            const left = x + 14 + box.offsetWidth > parent.clientWidth ? x - box.offsetWidth - 10 : x + 14;
            box.style.left = `${Math.max(0, left)}px`;
            box.style.top = `${Math.max(0, y - box.offsetHeight / 2)}px`;
        },
        hide() {
            box.hidden = true;
        },
    };
}
