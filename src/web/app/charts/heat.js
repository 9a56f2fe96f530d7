// A matrix as a table whose cells are shaded by their values: below zero in one colour, above in another.

import {h} from "../lib/dom.js";
import {number} from "../lib/format.js";

/**
 * rows, columns: names; values[row][column]; byColumn: shades are relative to the cells of a column, from its smallest
 * to its largest, instead of the whole table's largest size; more: {title, values}, a column without shades.
 */
export function heatTable({rows, columns, values, byColumn = false, more = null}) {
    const largest = Math.max(...values.flat().map((v) => Math.abs(Number(v))).filter(Number.isFinite), 1e-300);
    const ranges = columns.map((_, j) => {
        const column = values.map((row) => Number(row[j])).filter(Number.isFinite);
        return [Math.min(...column), Math.max(...column)];
    });
    const shade = (value, j) => {
        if (!Number.isFinite(Number(value))) return "none";
        const [low, high] = ranges[j];
        const t = byColumn ? high > low ? (value - low) / (high - low) * 2 - 1 : 0 : value / largest;
        const color = t < 0 ? "var(--cold)" : "var(--warm)";
        return `color-mix(in srgb, ${color} ${Math.round(Math.abs(t) * 62)}%, transparent)`;
    };
    // More columns than rows: features go down, which reads better and fits a phone.
    const turned = columns.length > rows.length;
    const [down, across] = turned ? [columns, rows] : [rows, columns];
    const cell = (i, j) => {
        const [r, c] = turned ? [j, i] : [i, j];
        return h("td", {title: `${rows[r]}, ${columns[c]}: ${values[r][c]}`,
            style: {background: shade(values[r][c], c)}}, number(values[r][c], 4));
    };
    const extra = more && (turned ? h("tr", h("th", more.title), more.values.map((v) => h("td", number(v, 4)))) : null);
    return h("div.table-wrap.tall", h("table.matrix.heat",
        h("thead", h("tr", h("th"), across.map((name) => h("th", {title: name}, name)),
            more && !turned && h("th", more.title))),
        h("tbody", down.map((name, i) => h("tr", h("th", {title: name}, name), across.map((_, j) => cell(i, j)),
            more && !turned && h("td", number(more.values[i], 4)))), extra)));
}
