// Which of many runs are drawn as curves: more than some can neither be told apart nor loaded at once.

import {seriesColor} from "../charts/colors.js";
import {popover} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {plural} from "../lib/format.js";
import {link} from "../lib/router.js";

const LISTED = 300; // runs in the panel: the search finds the others

export class RunPicker {
    /** `runs` in their order, the first `most` of them are drawn at first; `changed` is called after each choice. */
    constructor(runs, most, changed) {
        this.runs = runs;
        this.most = most;
        this.changed = changed;
        this.chosen = new Set(runs.slice(0, most).map((run) => run.id));
        this.places = new Map(); // id → number of its colour, which it keeps as long as it is drawn
        this.said = h("span");
        this.names = h("span.contents");
        const button = h("button.small", {"aria-haspopup": "dialog", onclick: () => this.pick(button)}, icon("chart"),
            this.said);
        this.element = h("div.legend", button, this.names);
        this.color();
        this.draw();
    }

    get shown() {
        return this.runs.filter((run) => this.chosen.has(run.id));
    }

    color() {
        for (const id of this.places.keys()) if (!this.chosen.has(id)) this.places.delete(id);
        const taken = new Set(this.places.values());
        let next = 0;
        for (const run of this.shown) {
            if (!this.places.has(run.id)) {
                while (taken.has(next)) next++;
                taken.add(next);
                this.places.set(run.id, next);
            }
            run.color = seriesColor(this.places.get(run.id));
        }
    }

    draw() {
        const {shown, runs} = this;
        this.said.textContent = shown.length < runs.length ? `${shown.length} of ${plural(runs.length, "run")} drawn`
            : `All ${plural(runs.length, "run")} drawn`;
        fill(this.names, shown.map((run) => h("span", h("span.swatch", {style: {background: run.color}}),
            h("a.clip", {href: link(["experiments", run.experiment, "runs", run.id])}, run.name || run.id))));
    }

    pick(button) {
        popover(button, () => {
            const search = h("input", {type: "search", placeholder: "Search runs", "aria-label": "Search runs",
                oninput: () => draw()});
            const list = h("div");
            const said = h("p.faint");
            const draw = () => {
                const words = search.value.toLowerCase();
                const found = this.runs.filter((run) => `${run.name} ${run.id}`.toLowerCase().includes(words));
                fill(list, found.slice(0, LISTED).map((run) => h("label.tick",
                    h("input", {type: "checkbox", checked: this.chosen.has(run.id), onchange: (event) => {
                        if (event.target.checked && this.chosen.size >= this.most) event.target.checked = false;
                        else if (event.target.checked) this.chosen.add(run.id);
                        else this.chosen.delete(run.id);
                        tell();
                        this.apply();
                    }}), h("span.clip", {title: run.name}, run.name || run.id))),
                found.length > LISTED && h("p.faint", `${found.length - LISTED} more: search for them.`));
            };
            const tell = () => {
                said.textContent = this.chosen.size >= this.most ? `${this.most} at most: take one out for another.`
                    : `${this.chosen.size} chosen`;
            };
            const set = (ids) => {
                this.chosen = new Set(ids);
                tell();
                draw();
                this.apply();
            };
            draw();
            tell();
            return h("div.columns-panel", search, h("div.toolbar", {style: {margin: "0"}},
                h("button.small.bare", {onclick: () => set(this.runs.slice(0, this.most).map((run) => run.id))},
                    `The first ${Math.min(this.most, this.runs.length)}`),
                h("button.small.bare", {onclick: () => set([])}, "None")), said, list);
        }, {label: "Runs that are drawn"});
    }

    apply() {
        this.color();
        this.draw();
        this.changed();
    }
}
