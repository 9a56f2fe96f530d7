// Horizontal bars with names and values: one value of many runs, importances of features.

import {h} from "../lib/dom.js";
import {number} from "../lib/format.js";

/** rows: [{label, value, color, href}]. Negative values go to the left of a common zero. */
export function barChart(rows, {most = 30, total = rows.length} = {}) {
    const shown = rows.filter((row) => Number.isFinite(row.value)).slice(0, most);
    const high = Math.max(0, ...shown.map((row) => row.value));
    const low = Math.min(0, ...shown.map((row) => row.value));
    const span = high - low || 1;
    return h("div.bars", shown.map((row) => h("div.bar-row", {title: `${row.label}: ${row.value}`},
        row.href ? h("a.clip", {href: row.href}, row.label) : h("span.clip", row.label),
        h("span.bar-track", h("span.bar-fill", {style: {
            left: `${(Math.min(0, row.value) - low) / span * 100}%`, width: `${Math.abs(row.value) / span * 100}%`,
            background: row.color ?? "var(--accent)",
        }})),
        h("span.bar-value", number(row.value)))),
    total > shown.length && h("p.faint", `${shown.length} of ${total}`));
}
