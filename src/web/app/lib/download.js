// Files made in the browser.

import {h} from "./dom.js";

/** Hands a text to the browser as a file. */
export function download(name, text, type = "text/csv") {
    const url = URL.createObjectURL(new Blob([text], {type: `${type};charset=utf-8`}));
    const anchor = h("a", {href: url, download: name.replace(/[^\w.\- ]+/g, "_")});
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** Rows of values as CSV. A text that a spreadsheet would take for a formula gets an apostrophe. */
export function toCsv(rows) {
    return rows.map((row) => row.map(cell).join(",")).join("\r\n");
}

function cell(value) {
    if (value === null || value === undefined) return "";
    let text = String(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text))) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text;
}
