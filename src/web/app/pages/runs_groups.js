// Runs below headings: children below their parent runs, or runs of one value of a parameter or tag together.

import {valueOf} from "../lib/runs.js";

/** A source for the table; `by` is "parent", "params.NAME" or "tags.NAME". */
export class GroupedRuns {
    constructor(runs, by) {
        this.loading = false;
        this.roots = by === "parent" ? nest(runs) : collect(runs, by);
        this.flatten();
    }

    get total() {
        return this.shown.length;
    }

    row(i) {
        return this.shown[i];
    }

    want() {}

    toggle(row) {
        row.open = !row.open;
        this.flatten();
    }

    flatten() {
        this.shown = [];
        const walk = (rows) => {
            for (const row of rows) {
                this.shown.push(row);
                if (row.open) walk(row.children);
            }
        };
        walk(this.roots);
    }
}

/** Rows {run, depth, children, open}; a run whose parent is not among the runs stands by itself. */
function nest(runs) {
    const rows = new Map(runs.map((run) => [run.id, {run, depth: 0, children: [], open: true}]));
    const roots = [];
    for (const row of rows.values()) {
        const parent = rows.get(row.run.parent);
        (parent && parent !== row && !isBelow(parent, row, rows) ? parent.children : roots).push(row);
    }
    const setDepth = (list, depth) => {
        for (const row of list) {
            row.depth = depth;
            setDepth(row.children, depth + 1);
        }
    };
    setDepth(roots, 0);
    return roots;
}

/** Whether `row` is an ancestor of `other`: tags are free text, so they may form a circle. */
function isBelow(other, row, rows) {
    const seen = new Set();
    for (let at = other; at && !seen.has(at); at = rows.get(at.run.parent)) {
        if (at === row) return true;
        seen.add(at);
    }
    return false;
}

/** Rows {label, children, open}, in the order in which values first appear. */
function collect(runs, by) {
    const at = by.indexOf(".");
    const kind = by.slice(0, at), name = by.slice(at + 1);
    const groups = new Map();
    for (const run of runs) {
        const value = valueOf(run, kind, name);
        const label = value === null ? `${name}: none` : `${name}: ${value}`;
        if (!groups.has(label)) groups.set(label, {label, children: [], open: false, depth: 0});
        groups.get(label).children.push({run, depth: 1, children: []});
    }
    return [...groups.values()];
}
