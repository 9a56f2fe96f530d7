// Which columns of a run table are shown, and how wide they are: kept in the browser for each experiment.

import {popover} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";

export class ColumnChoice {
    constructor(name) {
        this.storage = `columns:${name}`;
        const kept = read(this.storage);
        this.shown = kept.shown ?? {}; // key → true or false; others as the column says itself
        this.widths = kept.widths ?? {};
    }

    isShown(column) {
        return this.shown[column.key] ?? !column.hidden;
    }

    width(column) {
        return this.widths[column.key] ?? column.width;
    }

    show(columns, on) {
        for (const column of columns) this.shown[column.key] = on;
        this.keep();
    }

    setWidth(key, width) {
        this.widths[key] = width;
        this.keep();
    }

    reset() {
        this.shown = {};
        this.widths = {};
        this.keep();
    }

    keep() {
        localStorage.setItem(this.storage, JSON.stringify({shown: this.shown, widths: this.widths}));
    }
}

function read(key) {
    try {
        return JSON.parse(localStorage.getItem(key)) ?? {};
    } catch {
        return {};
    }
}

const SECTIONS = [["metric", "Metrics"], ["parameter", "Parameters"], ["tag", "Tags"], [undefined, "Attributes"]];
const MOST = 300; // boxes in a section: with more, the search narrows them down

/** The panel in which columns are chosen; `changed` is called after each choice. */
export function pickColumns(button, choice, columns, changed) {
    popover(button, () => {
        const search = h("input", {type: "search", placeholder: "Search columns", "aria-label": "Search columns",
            oninput: draw});
        const list = h("div");
        function set(some, on) {
            choice.show(some, on);
            changed();
            draw();
        }
        function draw() {
            const words = search.value.toLowerCase();
            fill(list, SECTIONS.map(([kind, title]) => {
                const some = columns.filter((c) => !c.frozen && c.kind === kind && c.title.toLowerCase()
                    .includes(words));
                return some.length ? drawSection(title, some, choice, set) : null;
            }));
        }
        draw();
        return h("div.columns-panel", search, list, h("hr"), h("button.small.bare", {onclick: () => {
            choice.reset();
            changed();
            draw();
        }}, "As at first"));
    }, {align: "right", label: "Columns"});
}

function drawSection(title, columns, choice, set) {
    const allShown = columns.every((c) => choice.isShown(c));
    return h("section", h("h3", title, h("span.faint", columns.length),
        h("button.small.bare", {onclick: () => set(columns, !allShown)}, allShown ? "Hide all" : "Show all")),
    columns.slice(0, MOST)
        .map((column) => h("label.tick", h("input", {type: "checkbox", checked: choice.isShown(column),
        onchange: (event) => set([column], event.target.checked)}),
            h("span.clip", {title: column.title}, column.title))),
    columns.length > MOST && h("p.faint", `${columns.length - MOST} more: search for them.`));
}
