// What sessions keep in memory: cached frames and fitted models.

import {h, refill} from "../lib/dom.js";
import {bytes, count, plural, shortClass} from "../lib/format.js";
import {card} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {engineFrame, livePath} from "./engine.js";

const NUMERIC = new Set(["Rows", "Bytes"]);

export default async function storagePage(page) {
    const body = engineFrame(page, "storage");
    await livePath(page, body, "storage", 3000, ({frames = [], models = []}) => refill(body, h("div.stack",
        h("div.figures", figure(sum(frames), `in ${plural(frames.length, "cached frame")}`),
            figure(sum(models), `in ${plural(models.length, "model")}`)),
        card(`Cached frames (${frames.length})`, frames.length ? list(["Frame", "Rows", "Bytes", "Level", "Session"],
            bySize(frames).map((f) => [h("td.value", f.name || h("span.mono", f.plan ?? "")),
                h("td.numeric", count(f.rows)), h("td.numeric", bytes(f.bytes)), h("td", f.storage_level ?? ""),
                session(f)])) : h("p.faint", "None: df.cache() puts one here.")),
        card(`Models (${models.length})`, models.length ? list(["Class", "Id", "Bytes", "Session"],
            bySize(models).map((m) => [h("td", {title: m.class}, shortClass(m.class)), h("td.mono", m.id),
                h("td.numeric", bytes(m.bytes)), session(m)]))
            : h("p.faint", "None: fitted models of running programs."))
    )));
}

function figure(value, name) {
    return h("div.figure", h("b", bytes(value)), h("span", name));
}

function sum(things) {
    return things.reduce((total, one) => total + (one.bytes ?? 0), 0);
}

function bySize(things) {
    return [...things].sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
}

function session({session_id: id}) {
    return h("td", h("a.mono", {href: link(["engine", "sessions"], {session: id})}, String(id ?? "").slice(0, 8)));
}

function list(titles, rows) {
    return h("div.table-wrap", h("table.plain",
        h("thead", h("tr", titles.map((title) => h(NUMERIC.has(title) ? "th.numeric" : "th", title)))),
        h("tbody", rows.map((cells) => h("tr", cells)))));
}
