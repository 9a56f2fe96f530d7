// Which columns of a run table are shown, how wide they are and which stay in sight: kept in the browser for each
// experiment, and in the address for whom a link is sent to.

import {popover} from "../lib/dialog.js";
import {h, icon, refill} from "../lib/dom.js";

const ADDRESS_MOST = 1500; // characters: some mail programs cut longer links

export class ColumnChoice {
    /** `address`: {show, hide} out of an address, which goes before what was kept. */
    constructor(name, address = {}) {
        this.storage = `columns:${name}`;
        const kept = read(this.storage);
        this.shown = kept.shown ?? {}; // key → true or false; others as the column says itself
        this.widths = kept.widths ?? {};
        this.pinned = kept.pinned ?? [];
        if (address.show || address.hide) {
            this.shown = Object.fromEntries([...keysOf(address.show).map((key) => [key, true]),
                ...keysOf(address.hide).map((key) => [key, false])]);
        }
    }

    isShown(column) {
        return this.shown[column.key] ?? !column.hidden;
    }

    isPinned(column) {
        return this.pinned.includes(column.key);
    }

    width(column) {
        return this.widths[column.key] ?? column.width;
    }

    show(columns, on) {
        for (const column of columns) this.shown[column.key] = on;
        this.keep();
    }

    pin(column) {
        this.pinned = this.isPinned(column) ? this.pinned.filter((key) => key !== column.key)
            : [...this.pinned, column.key];
        this.keep();
    }

    setWidth(key, width) {
        this.widths[key] = width;
        this.keep();
    }

    reset() {
        this.shown = {};
        this.widths = {};
        this.pinned = [];
        this.keep();
    }

    keep() {
        localStorage.setItem(this.storage,
            JSON.stringify({shown: this.shown, widths: this.widths, pinned: this.pinned}));
    }

    /** {show, hide} for an address; nothing when there is too much to say. */
    address() {
        const list = (on) => Object.keys(this.shown).filter((key) => this.shown[key] === on).map(encodeURIComponent)
            .join(",");
        const said = {show: list(true), hide: list(false)};
        return said.show.length + said.hide.length < ADDRESS_MOST ? said : {};
    }
}

function keysOf(text) {
    return (text ?? "").split(",").filter(Boolean).map(decodeURIComponent);
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

/**
 * The panel in which columns are chosen; `changed` is called after each choice. `same()` gives those columns whose
 * values are the same in all rows that were loaded.
 */
export function pickColumns(button, choice, columns, same, changed) {
    popover(button, () => {
        const search = h("input", {type: "search", placeholder: "Search columns", "aria-label": "Search columns",
            oninput: draw});
        const list = h("div");
        const panel = {set(action) {
            action();
            changed();
            draw();
        }, choice};
        function draw() {
            const words = search.value.toLowerCase();
            refill(list, SECTIONS.map(([kind, title]) => {
                const some = columns.filter((c) => !c.always && c.kind === kind && c.title.toLowerCase()
                    .includes(words));
                return some.length ? drawSection(title, some, panel, words) : null;
            }));
        }
        draw();
        return h("div.columns-panel", search, h("div.toolbar", {style: {margin: "0"}},
            h("button.small.bare", {onclick: () => panel.set(() => choice.show(same(), false))}, "Only what differs"),
            h("button.small.bare", {onclick: () => panel.set(() => choice.reset())}, "As at first")), list);
    }, {align: "right", label: "Columns"});
}

function drawSection(title, columns, {set, choice}, words) {
    const allShown = columns.every((c) => choice.isShown(c));
    return h("section", h("h3", title, h("span.faint", columns.length),
        h("button.small.bare", {"data-words": words, onclick: () => set(() => choice.show(columns, !allShown))},
            allShown ? "Hide all" : "Show all")),
    columns.slice(0, MOST).map((column) => h("div.column-row",
        h("label.tick", h("input", {type: "checkbox", checked: choice.isShown(column),
            onchange: (event) => set(() => choice.show([column], event.target.checked))}),
        h("span.clip", {title: column.title}, column.title)),
        h("button.small.bare", {"aria-label": `Keep ${column.title} in sight`, title: "Keep in sight while scrolling",
            "aria-pressed": String(choice.isPinned(column)), onclick: () => set(() => choice.pin(column))},
        icon("pin")))),
    columns.length > MOST && h("p.faint", `${columns.length - MOST} more: search for them.`));
}
