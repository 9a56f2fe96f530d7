// Operations of the engine, running ones first: what Spark's jobs, stages and SQL tabs tell.

import {chert, isNews} from "../lib/api.js";
import {confirmDialog, reportError, toast} from "../lib/dialog.js";
import {debounce, h, icon} from "../lib/dom.js";
import {bytes, count, dateTime, duration, plural} from "../lib/format.js";
import {segments, statusDot} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {ListSource, VirtualTable} from "../lib/table.js";
import {engineFrame, live, progressBar} from "./engine.js";

export default async function operationsPage(page) {
    const body = engineFrame(page, "operations", true);
    let state = "", words = "", operations = [], total = 0;
    const memory = {};
    const status = h("span.muted");
    const table = new VirtualTable(columns(() => load()), new ListSource(),
        {label: "Operations", empty: "No operations yet.", rowKey: (op) => op.id,
        onOpen: (op) => { location.hash = link(["engine", "operations", op.id]); }});
    const show = () => {
        const shown = operations.filter((op) =>
            `${op.kind} ${op.description} ${op.user ?? ""} ${op.session_id}`.toLowerCase().includes(words));
        const running = operations.filter((op) => op.state === "running").length;
        const all = plural(Math.max(total, shown.length), "operation");
        status.textContent = running ? `${all}, ${running} running` : all;
        table.update(new ListSource(shown));
    };
    body.append(h("div.toolbar",
        segments([["", "All"], ["running", "Running"], ["finished", "Finished"]], state, (value) => {
            state = value;
            load().catch(reportError);
        }, "State"),
        h("input", {type: "search", placeholder: "Search operations", "aria-label": "Search operations",
            oninput: debounce((event) => {
            words = event.target.value.toLowerCase();
            show();
        }, 80)}), status), table.element);
    const ask = async () => {
        const states = state ? [state] : ["running", "finished"];
        const replies = await Promise.all(states.map((one) => chert.get("operations", {state: one, limit: 500},
            page.signal)));
        const byId = new Map(replies.flatMap((reply) => reply.operations ?? []).map((op) => [op.id, op]));
        if (!isNews(memory, replies)) return;
        operations = sortOperations([...byId.values()]);
        total = replies.reduce((sum, reply) => sum + (reply.total ?? 0), 0);
        show();
    };
    const load = await live(page, body, ask, 2000);
}

function sortOperations(list) {
    const running = (op) => op.state === "running" ? 1 : 0;
    return [...list].sort((a, b) => running(b) - running(a) || b.started_ms - a.started_ms);
}

function columns(again) {
    return [
        {key: "what", title: "Operation", frozen: true, width: Math.min(420, innerWidth * 0.5),
            cell: (op) => h("span.run-name", statusDot(op.state),
            h("a.clip", {href: link(["engine", "operations", op.id])}, op.description || op.kind)),
                hint: (op) => op.description},
        {key: "kind", title: "Kind", width: 90, cell: (op) => h("span.badge", op.kind)},
        {key: "progress", title: "Progress", width: 130, cell: (op) => op.state === "running"
            ? progressBar(op.progress) ?? "running" : op.state,
            hint: (op) => op.error ?? op.progress?.what ?? ""},
        {key: "acts", title: "", width: 60, cell: (op) => op.state === "running"
            ? h("button.bare.small", {"aria-label": "Cancel",
            title: "Cancel", onclick: () => cancelOperation(op).then(again)}, icon("stop")) : ""},
        {key: "time", title: "Time", numeric: true, width: 100, cell: (op) => duration(op.duration_ms)},
        {key: "rows", title: "Rows", numeric: true, width: 100, cell: (op) => op.rows === undefined ? ""
            : count(op.rows)},
        {key: "bytes", title: "Bytes", numeric: true, width: 90, cell: (op) => op.bytes === undefined ? ""
            : bytes(op.bytes)},
        {key: "started", title: "Started", width: 160, cell: (op) => dateTime(op.started_ms)},
        {key: "user", title: "User", width: 100, cell: (op) => op.user ?? ""},
        {key: "session", title: "Session", width: 100,
            cell: (op) => h("span.mono.faint", String(op.session_id ?? "").slice(0, 8))},
    ];
}

export async function cancelOperation(op) {
    if (await confirmDialog("Cancel this operation?", op.description || op.kind, "Cancel the operation",
        () => chert.post(`operations/${encodeURIComponent(op.id)}/cancel`, {}))) toast("Cancelled");
}
