// What is in a file: images, tables, text, JSON, sound and film, HTML in a frame of its own; curves and matrices that
// are recognised are drawn.

import {barChart} from "../charts/bars.js";
import {confusionChart, curveChart} from "../charts/evaluation.js";
import {artifactKind, confusionOf, curvesOf, importancesOf} from "../charts/recognise.js";
import {parseCsv} from "../lib/csv.js";
import {reportError} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {bytes, number, plural} from "../lib/format.js";
import {copyButton, failed} from "../lib/parts.js";
import {ListSource, VirtualTable} from "../lib/table.js";

const TEXT_LIMIT = 1e6; // characters shown of a text
const IMAGES = {png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp",
    bmp: "image/bmp",
    svg: "image/svg+xml", ico: "image/x-icon"};
const TEXTS = new Set(("txt log yaml yml py r sql sh ini cfg conf toml xml js ts c h cpp java scala ipynb " +
    "properties rst tex MLmodel requirements Dockerfile crc").split(" "));
const KINDS = [
    [(ending) => ending in IMAGES, showImage], [(ending) => ending === "csv" || ending === "tsv", showCsv],
    [(ending) => ending === "json", showJson], [(ending) => ending === "html" || ending === "htm", showHtml],
    [(ending) => ending === "pdf", showPdf], [(ending) => ending === "md", showMarkdown],
    [(ending) => ["mp3", "wav", "ogg", "flac"].includes(ending),
        (root, store, file) => showMedia(root, store, file, "audio")],
    [(ending) => ["mp4", "webm", "mov"].includes(ending), (root, store, file) => showMedia(root, store, file, "video")],
    [(ending, file) => TEXTS.has(ending) || /(^|\/)(part-\d+\S*|_SUCCESS|[^.]+)$/.test(file.path) &&
        !/\.parquet$/.test(file.path), showText],
];

export async function drawPreview(root, store, file, signal) {
    const name = file.path.split("/").pop();
    const body = h("div", h("p.faint", "Loading…"));
    fill(root, h("header.toolbar", h("strong.clip", name), h("span.faint", bytes(file.file_size ?? 0)),
        copyButton(file.path, "Copy the path"),
        h("span.grow"), h("a.button", {href: store.url(file.path), download: name}, icon("download"), "Download")),
            body);
    const ending = name.includes(".") ? name.split(".").pop().toLowerCase() : name;
    const kind = KINDS.find(([matches]) => matches(ending, file));
    try {
        if (!kind) fill(body, h("p.muted", "There is no preview for this kind of file."));
        else fill(body, await kind[1](body, store, file, signal, ending));
    } catch (error) {
        if (error.name !== "AbortError") fill(body, failed(error));
    }
}

async function showImage(root, store, file, signal, ending) {
    const blob = await (await store.fetch(file.path, signal)).blob();
    const url = URL.createObjectURL(new Blob([blob], {type: IMAGES[ending]}));
    return h("img", {src: url, alt: file.path, onload: () => URL.revokeObjectURL(url)});
}

async function showText(root, store, file, signal) {
    return textBox(await store.text(file.path, signal));
}

function textBox(text) {
    return [h("pre", text.slice(0, TEXT_LIMIT)), text.length > TEXT_LIMIT && h("p.muted", "The rest is not shown.")];
}

async function showCsv(root, store, file, signal, ending) {
    const rows = parseCsv(await store.text(file.path, signal), ending === "tsv" ? "\t" : ",");
    if (!rows.length) return h("p.muted", "The file is empty.");
    return dataTable(rows[0], rows.slice(1));
}

async function showJson(root, store, file, signal) {
    const text = await store.text(file.path, signal);
    let data;
    try {
        data = JSON.parse(text);
    } catch {
        return textBox(text);
    }
    const drawn = drawRecognised(file.path, data);
    if (drawn) return [drawn, h("details", h("summary.muted", "As text"), textBox(text))];
    if (Array.isArray(data?.columns) && Array.isArray(data?.data)) return dataTable(data.columns, data.data);
    if (Array.isArray(data) && data.length &&
        data.every((row) => row && typeof row === "object" && !Array.isArray(row))) {
        const columns = [...new Set(data.flatMap(Object.keys))];
        return dataTable(columns, data.map((row) => columns.map((name) => row[name])));
    }
    return textBox(JSON.stringify(data, null, 2));
}

/** A chart of a recognised artifact (see recognise.js), or null. */
export function drawRecognised(path, data) {
    const kind = artifactKind(path);
    if (kind === "roc" || kind === "pr") {
        const curves = curvesOf(data, kind);
        return curves && curveChart(curves, kind);
    }
    if (kind === "confusion") {
        const found = confusionOf(data);
        return found && confusionChart(found);
    }
    if (kind === "importance") {
        const rows = importancesOf(data);
        return rows && barChart(rows, {most: 40});
    }
    return null;
}

/** A browser's own PDF viewer does not run in a frame without rights, and a frame with ours is none for strangers'
 * files: it gets a tab. */
async function showPdf(root, store, file, signal) {
    const open = async () => {
        try {
            const blob = await (await store.fetch(file.path, signal)).blob();
            const url = URL.createObjectURL(new Blob([blob], {type: "application/pdf"}));
            window.open(url, "_blank");
            setTimeout(() => URL.revokeObjectURL(url), 60000);
        } catch (error) {
            reportError(error);
        }
    };
    return h("p", "PDF files open in the browser's viewer, in a tab of their own: ",
        h("button.small", {onclick: open}, icon("expand"), "Open"));
}

async function showMarkdown(root, store, file, signal) {
    const [text, {markdown}] = await Promise.all([store.text(file.path, signal), import("../lib/markdown.js")]);
    return [markdown(text.slice(0, TEXT_LIMIT)), h("details", h("summary.muted", "As text"), textBox(text))];
}

/** The document is handed to a page without rights of ours (preview.html), which runs it without network. */
async function showHtml(root, store, file, signal) {
    const text = await store.text(file.path, signal);
    const frame = h("iframe",
        {sandbox: "allow-scripts", title: file.path, src: new URL("../preview.html", import.meta.url).href});
    addEventListener("message", function ready(event) {
        if (event.source !== frame.contentWindow || event.data !== "ready") return;
        removeEventListener("message", ready);
        frame.contentWindow.postMessage(text, "*");
    });
    return frame;
}

async function showMedia(root, store, file, tag) {
    return h(tag, {src: store.url(file.path), controls: true});
}

function dataTable(names, rows) {
    const columns = names.map((title, i) => {
        const values = rows.slice(0, 100).map((row) => row[i]);
        const numeric = values.some((v) => v !== "" && v !== null) &&
            values.every((v) => v === "" || v === null || !Number.isNaN(Number(v)));
        const longest = Math.max(String(title).length, ...values.map((v) => String(show(v)).length));
        return {key: String(i), title: String(title), numeric, width: Math.max(60, Math.min(320, longest * 7.5 + 22)),
            cell: (row) => show(row[i], numeric), hint: (row) => String(show(row[i]))};
    });
    const table = new VirtualTable(columns, new ListSource(rows), {label: "Rows", empty: "No rows."});
    return [h("p.muted", `${plural(rows.length, "row")}, ${plural(names.length, "column")}`), table.element];
}

function show(value, numeric = false) {
    if (value === null || value === undefined) return "";
    if (typeof value === "object") return JSON.stringify(value);
    return numeric && typeof value === "number" ? number(value, 8) : String(value);
}
