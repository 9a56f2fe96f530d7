// What the engine pages share: their tabs, and lists that are loaded anew every few seconds.

import {chert, isNews} from "../lib/api.js";
import {fill, h} from "../lib/dom.js";
import {failed, heading, tabs} from "../lib/parts.js";

const TABS = [["operations", "Operations"], ["sessions", "Sessions"], ["storage", "Storage"],
    ["environment", "Environment"]];

/** The frame of an engine page; returns the element to draw into. `full`: for a table that fills the window. */
export function engineFrame(page, current, full = false) {
    const body = h("div", full ? {style: {display: "contents"}} : {});
    page.title(TABS.find(([key]) => key === current)[1]);
    fill(page.root, h("div.page", {class: full ? "full" : ""}, heading("Engine"),
        tabs(TABS.map(([key, title]) => [key, title, `#/engine/${key}`]), current), body));
    return body;
}

/** Calls `load` now and every `ms`. The first failure is shown, later ones are not. Gives back `load`. */
export async function live(page, body, load, ms) {
    try {
        await load();
    } catch (error) {
        if (error.name !== "AbortError") fill(body, failed(error));
    }
    page.poll(ms, load);
    return load;
}

/** The same for an address of chert's own API, whose answer is handed to `draw` when it is another one. */
export function livePath(page, body, path, ms, draw) {
    const memory = {};
    return live(page, body, async () => {
        const reply = await chert.get(path, {}, page.signal);
        if (isNews(memory, reply)) draw(reply);
    }, ms);
}

export function progressBar(progress) {
    if (!progress || !progress.total) return null;
    const share = Math.min(1, progress.done / progress.total);
    return h("span.bar", {role: "progressbar", "aria-valuenow": Math.round(share * 100), "aria-valuemin": 0,
        "aria-valuemax": 100,
        title: `${progress.what ?? ""} ${progress.done} of ${progress.total}`},
            h("span", {style: {width: `${share * 100}%`}}));
}
