// A tree of files on the left, the chosen one on the right.

import {fill, h, icon} from "../lib/dom.js";
import {bytes} from "../lib/format.js";
import {copyButton, failed} from "../lib/parts.js";
import {drawPreview} from "./artifact_preview.js";

/** options: {signal, path (chosen at first), root (URI shown for copying), chosen(path)} */
export function artifactBrowser(store, options) {
    const browser = new Browser(store, options);
    browser.start();
    return browser.element;
}

class Browser {
    constructor(store, options) {
        this.store = store;
        this.options = options;
        this.tree = h("nav.card.tree", {"aria-label": "Files", onkeydown: (event) => this.onKey(event)},
            h("p.faint", "Loading…"));
        this.preview = h("div.card.preview");
        this.element = h("div.artifacts", this.tree, this.preview);
    }

    async start() {
        this.hint();
        try {
            const files = await this.store.list("", this.options.signal);
            fill(this.tree, files.length ? this.drawList(files) : h("p.empty", "No artifacts."));
            if (this.options.path) await this.reveal(this.options.path);
            else await this.openFirst(files);
        } catch (error) {
            if (error.name !== "AbortError") fill(this.tree, failed(error));
        }
    }

    hint() {
        fill(this.preview, h("p.muted", "Choose a file to see it."), this.options.root &&
            h("p.mono.faint", this.options.root, copyButton(this.options.root, "Copy the address")));
    }

    /** A single file is shown at once, a single folder opened. */
    async openFirst(files) {
        if (files.length !== 1) return;
        const anchor = this.tree.querySelector("a");
        if (files[0].is_dir) await this.toggle(anchor, files[0]);
        else await this.choose(anchor, files[0]);
    }

    drawList(files) {
        const sorted = [...files].sort((a, b) => Number(b.is_dir ?? false) - Number(a.is_dir ?? false) ||
            a.path.localeCompare(b.path));
        return h("ul", sorted.map((file) => {
            const name = file.path.split("/").pop();
            const anchor = h("a", {href: "#", title: file.path, onclick: (event) => {
                event.preventDefault();
                if (file.is_dir) this.toggle(anchor, file);
                else this.choose(anchor, file);
            }}, icon(file.is_dir ? "folder" : "file"), h("span.clip", name),
                !file.is_dir && h("span.size", bytes(file.file_size ?? 0)));
            anchor.file = file;
            if (file.is_dir) anchor.setAttribute("aria-expanded", "false");
            return h("li", anchor);
        }));
    }

    async toggle(anchor, folder) {
        const open = anchor.parentElement.querySelector("ul");
        anchor.setAttribute("aria-expanded", String(!open));
        if (open) return open.remove();
        const files = await this.store.list(folder.path, this.options.signal);
        anchor.after(files.length ? this.drawList(files) : h("ul", h("li.faint", "empty")));
        return undefined;
    }

    async choose(anchor, file) {
        for (const old of this.tree.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
        anchor.setAttribute("aria-current", "true");
        this.options.chosen?.(file.path);
        await drawPreview(this.preview, this.store, file, this.options.signal);
    }

    /** Opens the folders on the way to a path, and the file. */
    async reveal(path) {
        const parts = path.split("/");
        for (let i = 1; i <= parts.length; i++) {
            const anchor = [...this.tree.querySelectorAll("a")].find((a) => a.file.path === parts.slice(0, i)
                .join("/"));
            if (!anchor) return;
            if (!anchor.file.is_dir) await this.choose(anchor, anchor.file);
            else if (anchor.getAttribute("aria-expanded") === "false") await this.toggle(anchor, anchor.file);
        }
    }

    onKey(event) {
        const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
        const anchor = event.target.closest("a");
        if (!anchor) return;
        const expanded = anchor.getAttribute("aria-expanded");
        if (step) {
            const all = [...this.tree.querySelectorAll("a")];
            all[all.indexOf(anchor) + step]?.focus();
        } else if ((event.key === "ArrowRight" && expanded === "false") ||
            (event.key === "ArrowLeft" && expanded === "true")) {
            this.toggle(anchor, anchor.file);
        } else {
            return;
        }
        event.preventDefault();
    }
}
