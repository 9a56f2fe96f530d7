// Markdown as elements: headings, lists, quotes, code, tables, emphasis, links. HTML in it stays text, and links lead
// only to the web, to mail and into these pages.

import {h} from "./dom.js";

/** The elements of a text. */
export function markdown(text) {
    return h("div.markdown", blocks(String(text ?? "").replaceAll("\r\n", "\n").split("\n")));
}

const FENCE = /^\s*(```|~~~)/, HEADING = /^(#{1,6})\s+(.*?)\s*#*$/, RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/, QUOTE = /^\s*> ?/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function blocks(lines) {
    const out = [];
    for (let at = 0; at < lines.length;) {
        const [element, next] = block(lines, at);
        if (element) out.push(element);
        at = next;
    }
    return out;
}

/** The block that begins at a line, and the line behind it. */
function block(lines, at) {
    const line = lines[at];
    if (!line.trim()) return [null, at + 1];
    if (FENCE.test(line)) return code(lines, at);
    const heading = HEADING.exec(line);
    if (heading) return [h(`h${Math.min(4, heading[1].length + 1)}`, inline(heading[2])), at + 1];
    if (RULE.test(line)) return [h("hr"), at + 1];
    if (QUOTE.test(line)) return quote(lines, at);
    if (ITEM.test(line)) return list(lines, at);
    if (line.includes("|") && TABLE_RULE.test(lines[at + 1] ?? "")) return table(lines, at);
    return paragraph(lines, at);
}

function code(lines, at) {
    let end = at + 1;
    while (end < lines.length && !FENCE.test(lines[end])) end++;
    return [h("pre.code", lines.slice(at + 1, end).join("\n")), end + 1];
}

function quote(lines, at) {
    let end = at;
    while (end < lines.length && QUOTE.test(lines[end])) end++;
    return [h("blockquote", blocks(lines.slice(at, end).map((line) => line.replace(QUOTE, "")))), end];
}

/** Items and what is indented below them. */
function list(lines, at) {
    const [, indent, mark] = ITEM.exec(lines[at]);
    const items = [];
    let end = at;
    while (end < lines.length) {
        const item = ITEM.exec(lines[end]);
        if (item && item[1].length <= indent.length) items.push([item[3]]);
        else if (item || /^\s{2,}\S/.test(lines[end])) items.at(-1).push(lines[end].slice(Math.min(indent.length + 2,
            lines[end].search(/\S/))));
        else break;
        end++;
    }
    const numbered = /\d/.test(mark);
    return [h(numbered ? "ol" : "ul", numbered ? {start: Number.parseInt(mark, 10)} : {},
        items.map(([first, ...more]) => h("li", inline(first), blocks(more)))), end];
}

function table(lines, at) {
    const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
    let end = at + 2;
    while (end < lines.length && lines[end].includes("|")) end++;
    return [h("div.table-wrap", h("table.plain", h("thead", h("tr", cells(lines[at]).map((cell) => h("th", cell)))),
        h("tbody", lines.slice(at + 2, end).map((line) => h("tr", cells(line).map((cell) => h("td", cell))))))), end];
}

function paragraph(lines, at) {
    let end = at + 1;
    while (end < lines.length && lines[end].trim() && !FENCE.test(lines[end]) && !HEADING.test(lines[end]) &&
        !ITEM.test(lines[end]) && !QUOTE.test(lines[end])) end++;
    const parts = lines.slice(at, end).flatMap((line, i) => [i > 0 && h("br"), inline(line)]);
    return [h("p", parts), end];
}

// ---- inside a line

const INLINE = new RegExp([
    "`([^`]+)`", // 1: code
    "\\*\\*(.+?)\\*\\*", // 2: bold
    "(?<![\\w*])[*_](?![\\s*_])(.+?)[*_](?![\\w*])", // 3: italic
    "!?\\[([^\\]]*)\\]\\(([^()\\s]*(?:\\([^()\\s]*\\))?[^()\\s]*)\\)", // 4, 5: link
    "(https?://[^\\s<>()]+[^\\s<>().,;:!?'\"])", // 6: address
].join("|"), "g");

function inline(text) {
    const out = [];
    let at = 0;
    for (const match of text.matchAll(INLINE)) {
        out.push(text.slice(at, match.index), element(match));
        at = match.index + match[0].length;
    }
    out.push(text.slice(at));
    return out.filter((part) => part !== "");
}

function element([whole, plain, bold, italic, label, to, address]) {
    if (plain !== undefined) return h("code", plain);
    if (bold !== undefined) return h("strong", inline(bold));
    if (italic !== undefined) return h("em", inline(italic));
    const target = address ?? to;
    if (!/^(https?:\/\/|mailto:|#\/)/i.test(target)) return whole;
    return h("a", {href: target, rel: "noopener noreferrer", target: target.startsWith("#") ? null : "_blank"},
        address ?? (label || target));
}
