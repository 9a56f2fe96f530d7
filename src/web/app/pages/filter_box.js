// The box for MLflow's filter grammar, which offers the names that can follow and examples of what can be asked.

import {popover} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";

export class FilterBox {
    /**
     * options: {label, placeholder, names() (what can be asked about), help ([example, what it finds] pairs),
     *           submit(text) (called on Enter and when the box is emptied)}
     */
    constructor(text, options) {
        this.options = options;
        this.chosen = -1;
        this.input = h("input", {
            type: "search", value: text, spellcheck: false, autocomplete: "off", role: "combobox",
            "aria-label": options.label, "aria-expanded": "false", "aria-controls": "filter-suggestions",
            placeholder: options.placeholder,
            oninput: () => this.typed(), onkeydown: (event) => this.onKey(event),
                onblur: () => setTimeout(() => this.close(), 150),
            onsearch: () => this.input.value || this.go(),
        });
        this.list = h("div.suggestions", {id: "filter-suggestions", role: "listbox", hidden: true});
        this.helpButton = h("button.bare", {"aria-label": "How to filter", "aria-haspopup": "dialog",
            onclick: () => this.showHelp()}, "?");
        this.element = h("div.filter", this.input, this.helpButton,
            h("button.bare", {"aria-label": "Filter", onclick: () => this.go()}, icon("search")), this.list);
    }

    showHelp() {
        popover(this.helpButton, (close) => h("div.filter-help", h("p", "Conditions, joined by AND:"),
            this.options.help.map(([example, what]) => h("button.bare", {onclick: () => {
                this.input.value = example;
                close();
                this.input.focus();
            }}, h("code", example), h("span.muted", what))),
            h("p.faint", "Operators: = != > >= < <= LIKE ILIKE IN. Texts in quotes, names with odd characters in ",
                "`backticks`.")),
        {align: "right", label: "How to filter"});
    }

    setBad(bad) {
        this.element.classList.toggle("bad", bad);
    }

    go() {
        this.close();
        this.options.submit(this.input.value.trim());
    }

    /** The word that is being typed, and what could be meant by it. */
    typed() {
        const before = this.input.value.slice(0, this.input.selectionStart);
        const word = /[\w.`"\-/]*$/.exec(before)[0];
        this.word = word;
        this.offer(word.length && !/['"]$/.test(before) ? this.matching(word.replace(/[`"]/g, "").toLowerCase()) : []);
    }

    matching(word) {
        const names = this.options.names();
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
