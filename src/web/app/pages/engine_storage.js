// What sessions keep in memory: cached frames and fitted models.

import {h, refill} from "../lib/dom.js";
import {bytes, count, shortClass} from "../lib/format.js";
import {card} from "../lib/parts.js";
import {engineFrame, livePath} from "./engine.js";

export default async function storagePage(page) {
    const body = engineFrame(page, "storage");
    await livePath(page, body, "storage", 3000, ({frames = [], models = []}) => refill(body, h("div.stack",
        card(`Cached frames (${frames.length})`,
            frames.length ? list(["Frame", "Rows", "Bytes", "Level", "Session"], frames.map((f) => [
            h("td.value", f.name || h("span.mono", f.plan ?? "")), h("td.numeric", count(f.rows)),
                h("td.numeric", bytes(f.bytes)),
            h("td", f.storage_level ?? ""), h("td.mono.faint", String(f.session_id ?? "").slice(0, 8))]))
                : h("p.faint", "None.")),
        card(`Models (${models.length})`, models.length ? list(["Class", "Id", "Bytes", "Session"], models.map((m) => [
            h("td", {title: m.class}, shortClass(m.class)), h("td.mono", m.id), h("td.numeric", bytes(m.bytes)),
            h("td.mono.faint", String(m.session_id ?? "").slice(0, 8))])) : h("p.faint", "None.")))));
}

const NUMERIC = new Set(["Rows", "Bytes"]);

function list(titles, rows) {
    return h("div.table-wrap",
        h("table.plain", h("thead",
            h("tr", titles.map((title) => h("th", {class: NUMERIC.has(title) ? "numeric" : ""}, title)))),
        h("tbody", rows.map((cells) => h("tr", cells)))));
}
