// The box for MLflow's filter grammar, which offers the names that can follow.

import {fill, h, icon} from "../lib/dom.js";

const ATTRIBUTES = ["attributes.run_name", "attributes.status", "attributes.user_id", "attributes.run_id",
    "attributes.start_time", "attributes.end_time"];

export class FilterBox {
    /** `keys()` gives the names there are; `submit(text)` is called on Enter and when the box is emptied. */
    constructor(text, keys, submit) {
        this.keys = keys;
        this.submit = submit;
        this.chosen = -1;
        this.input = h("input", {
            type: "search", value: text, spellcheck: false, autocomplete: "off", role: "combobox",
            "aria-label": "Filter runs", "aria-expanded": "false", "aria-controls": "filter-suggestions",
            placeholder: "metrics.auc > 0.9 and params.model = \"tree\"",
            oninput: () => this.typed(), onkeydown: (event) => this.onKey(event),
                onblur: () => setTimeout(() => this.close(), 150),
            onsearch: () => this.input.value || this.go(),
        });
        this.list = h("div.suggestions", {id: "filter-suggestions", role: "listbox", hidden: true});
        this.element = h("div.filter", this.input, h("button.bare", {"aria-label": "Filter", onclick: () => this.go()},
            icon("search")), this.list);
    }

    setBad(bad) {
        this.element.classList.toggle("bad", bad);
    }

    go() {
        this.close();
        this.submit(this.input.value.trim());
    }

    /** The word that is being typed, and what could be meant by it. */
    typed() {
        const before = this.input.value.slice(0, this.input.selectionStart);
        const word = /[\w.`"\-/]*$/.exec(before)[0];
        this.word = word;
        this.offer(word.length && !/['"]$/.test(before) ? this.matching(word.replace(/[`"]/g, "").toLowerCase()) : []);
    }

    matching(word) {
        const {metrics, params, tags} = this.keys();
        const names = [
            ...metrics.map((name) => `metrics.${quote(name)}`), ...params.map((name) => `params.${quote(name)}`),
            ...tags.map((name) => `tags.${quote(name)}`), ...ATTRIBUTES,
        ];
        const plain = (name) => name.replaceAll("`", "").toLowerCase();
        return names.filter((name) => plain(name) !== word && plain(name).includes(word)).slice(0, 12);
    }

    offer(names) {
        this.names = names;
        this.chosen = -1;
        this.list.hidden = !names.length;
        this.input.setAttribute("aria-expanded", String(names.length > 0));
        fill(this.list, names.map((name, i) => h("div", {role: "option", "aria-selected": "false",
            onmousedown: (event) => {
                event.preventDefault();
                this.take(i);
            }}, name)));
    }

    take(i) {
        const at = this.input.selectionStart;
        const start = at - this.word.length;
        this.input.setRangeText(`${this.names[i]} `, start, at, "end");
        this.close();
        this.input.focus();
    }

    close() {
        this.list.hidden = true;
        this.input.setAttribute("aria-expanded", "false");
    }

    onKey(event) {
        const open = !this.list.hidden;
        if (event.key === "Enter" || (event.key === "Tab" && open && this.chosen >= 0)) {
            event.preventDefault();
            if (open && this.chosen >= 0) this.take(this.chosen);
            else this.go();
        } else if (event.key === "Escape" && open) {
            event.preventDefault();
            this.close();
        } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
            event.preventDefault();
            const n = this.names.length;
            this.chosen = (this.chosen + (event.key === "ArrowDown" ? 1 : n) + (this.chosen < 0 &&
                event.key === "ArrowUp" ? 1 : 0)) % n;
            [...this.list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === this.chosen)));
        }
    }
}

function quote(name) {
    return /^[\w]+$/.test(name) ? name : `\`${name}\``;
}
