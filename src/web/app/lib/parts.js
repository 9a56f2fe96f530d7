// Small pieces of pages: headings, badges, links, facts, buttons that copy.

import {fill, h, icon} from "./dom.js";
import {ago, dateTime, statusName} from "./format.js";
import {toast} from "./dialog.js";
import {link} from "./router.js";

export const TITLE_TAG = "mlflow.note.content";

/** Crumbs are [text, address] pairs. */
export function heading(title, {crumbs = [], beside = [], actions = []} = {}) {
    return h("div", crumbs.length > 0 &&
        h("nav.crumbs", {"aria-label": "Path"}, crumbs.map(([text, to]) => h("a", {href: to}, text))),
        h("div.heading", h("h1", title), beside, h("div.actions", actions)));
}

/** A box; `title` is text or a header of its own. */
export function card(title, ...content) {
    return h("section.card", typeof title === "string" ? h("header", h("h2", title)) : title, content);
}

export function facts(rows) {
    return h("dl.facts", rows.filter((row) => row && row[1] !== null && row[1] !== undefined)
        .map(([name, value]) => [h("dt", name), h("dd", value)]));
}

/** A long name that may go on in the next line behind its dots, slashes and underscores. */
export function breakable(name) {
    return name.split(/(?<=[._/])/).flatMap((part, i) => i ? [h("wbr"), part] : [part]);
}

export function time(ms) {
    if (!ms) return h("span.faint", "–");
    return h("time", {title: dateTime(ms), dateTime: new Date(ms).toISOString()}, ago(ms));
}

export function statusDot(status) {
    const name = statusName(status);
    return h(`span.dot.${name}`, {title: name, role: "img", "aria-label": name});
}

export function statusBadge(status) {
    const name = statusName(status);
    const kind = {finished: "good", running: "accent", failed: "bad", killed: "warn", cancelled: "warn"}[name] ?? "";
    return h("span.badge", {class: kind}, name);
}

export function stageBadge(stage) {
    if (!stage || stage === "None") return null;
    return h("span.badge", {class: {Production: "good", Staging: "warn"}[stage] ?? ""}, stage);
}

export function aliasBadge(alias) {
    return h("span.badge.accent", `@${alias}`);
}

export function copyButton(text, what = "Copy") {
    return h("button.copy", {title: what, "aria-label": what, onclick: async (event) => {
        event.stopPropagation();
        await copyText(text);
        toast("Copied");
    }}, icon("copy"));
}

// navigator.clipboard exists on https and localhost only.
async function copyText(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = h("textarea", {value: text});
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
}

export function runLink(experiment, run, text) {
    return h("a", {href: link(["experiments", experiment, "runs", run])}, text || run);
}

export function versionLink(name, version, text = `${name} v${version}`) {
    return h("a", {href: link(["models", name, "versions", version])}, text);
}

/** Tabs as links: [key, title, address, count]. */
export function tabs(rows, current) {
    return h("nav.tabs", {"aria-label": "Views"}, rows.filter(Boolean).map(([key, title, to, n]) =>
        h("a", {href: to, "aria-current": key === current ? "page" : null}, title, n !== undefined && h("span.n", n))));
}

/** A choice of a few: options are [value, label]; `onchange` gets the value. */
export function segments(options, current, onchange, label) {
    const group = h("div.segments", {role: "group", "aria-label": label});
    fill(group, options.map(([value, text]) => h("button", {type: "button", "aria-pressed": String(value === current),
        onclick: (event) => {
            for (const button of group.children) button.setAttribute("aria-pressed",
                String(button === event.currentTarget));
            onchange(value);
        }}, text)));
    return group;
}

/** Tags with buttons to change them: `save(key, value)` and `remove(key)`; system tags are left out. */
export function tagEditor(tags, {save, remove, ask}) {
    const shown = tags.filter((tag) => !tag.key.startsWith("mlflow."));
    return h("div.tags", shown.map((tag) => h("span.tag", h("span", tag.key), h("span", tag.value || "–"),
        h("button", {"aria-label": `Change ${tag.key}`, onclick: () => ask(tag, save)}, icon("edit")),
        h("button", {"aria-label": `Remove ${tag.key}`, onclick: () => remove(tag.key)}, icon("close")))),
    h("button.small", {onclick: () => ask(null, save)}, icon("plus"), "Add tag"));
}

/** A box that says what went wrong, in place of content. */
export function failed(error) {
    return h("div.notice.error", {role: "alert"}, error.message);
}
