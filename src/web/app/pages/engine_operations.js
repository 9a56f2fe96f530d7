// Operations of the engine, running ones first: what Spark's jobs, stages and SQL tabs tell. As a list, or on a line of
// time.

import {chert, isNews} from "../lib/api.js";
import {confirmDialog, reportError, toast} from "../lib/dialog.js";
import {debounce, fill, h, icon} from "../lib/dom.js";
import {bytes, count, dateTime, duration, plural} from "../lib/format.js";
import {segments, statusDot} from "../lib/parts.js";
import {keepInAddress, link} from "../lib/router.js";
import {ListSource, PENDING, VirtualTable} from "../lib/table.js";
import {engineFrame, live, progressBar} from "./engine.js";
import {timeline} from "./engine_timeline.js";

const LIMIT = 500; // operations of a kind
const STATES = [["", "All"], ["running", "Running"], ["finished", "Finished"]];

export default async function operationsPage(page, params, query) {
    const view = new Operations(page, query);
    view.again = await live(page, view.body, () => view.load(), 2000);
}

class Operations {
    constructor(page, query) {
        this.page = page;
        this.body = engineFrame(page, "operations", true);
        this.memory = {};
        this.operations = [];
        this.total = 0;
        this.mode = query.get("view") === "timeline" ? "timeline" : "list";
        this.state = query.get("state") ?? "";
        this.user = query.get("user") ?? "";
        this.session = query.get("session") ?? "";
        this.words = "";
        this.order = {sort: "started_ms", descending: true};
        this.draw();
    }

    draw() {
        this.status = h("span.muted");
        this.content = h("div.contents");
        this.users = h("select", {"aria-label": "User", hidden: true,
            onchange: () => this.change({user: this.users.value})});
        this.table = new VirtualTable(columns(() => this.load()), PENDING, {
            label: "Operations", empty: "No operations yet. What programs send over Spark Connect shows up here.",
            rowKey: (op) => op.id, order: this.order, onSort: (column) => this.sort(column),
            onOpen: (op) => { location.hash = link(["engine", "operations", op.id]); }});
        this.body.append(h("div.toolbar",
            segments([["list", [icon("table"), "List"]], ["timeline", [icon("chart"), "Timeline"]]], this.mode,
                (mode) => this.change({mode}), "View"),
            segments(STATES, this.state, (state) => this.change({state}), "State"),
            h("input", {type: "search", placeholder: "Search operations", "aria-label": "Search operations",
                oninput: debounce((event) => {
                    this.words = event.target.value.toLowerCase();
                    this.show();
                }, 80)}), this.users,
            this.session && h("span.badge.accent", `session ${this.session.slice(0, 8)}`, h("button.copy",
                {"aria-label": "Show all sessions", onclick: (event) => {
                    event.currentTarget.parentElement.remove();
                    this.change({session: ""});
                }}, icon("close"))), this.status), this.content);
        this.drawMode();
    }

    drawMode() {
        fill(this.content, this.mode === "list" ? this.table.element : this.lanes = h("div.timeline"));
    }

    change(what) {
        Object.assign(this, what);
        keepInAddress(["engine", "operations"], {view: this.mode === "list" ? "" : this.mode, state: this.state,
            user: this.user, session: this.session});
        if ("mode" in what) this.drawMode();
        this.show();
        if ("state" in what || "user" in what) this.load().catch(reportError);
    }

    sort(column) {
        const descending = this.order.sort === column.sort ? !this.order.descending : true;
        this.order = {sort: column.sort, descending};
        this.table.setOrder(this.order);
        this.show();
    }

    async load() {
        const states = this.state ? [this.state] : ["running", "finished"];
        const asked = this.asked = Promise.all(states.map((state) => chert.get("operations",
            {state, limit: LIMIT, user: this.user || undefined}, this.page.signal)));
        const replies = await asked;
        if (asked !== this.asked || !isNews(this.memory, replies)) return;
        const byId = new Map(replies.flatMap((reply) => reply.operations ?? []).map((op) => [op.id, op]));
        this.operations = [...byId.values()];
        this.total = replies.reduce((sum, reply) => sum + (reply.total ?? 0), 0);
        this.show();
    }

    get shown() {
        const {sort, descending} = this.order;
        const running = (op) => op.state === "running" ? 1 : 0;
        const value = (op) => op[sort] ?? -1;
        return this.operations.filter((op) => (!this.user || op.user === this.user) &&
            (!this.session || op.session_id === this.session) &&
            `${op.kind} ${op.description} ${op.user ?? ""} ${op.session_id}`.toLowerCase().includes(this.words))
            .sort((a, b) => running(b) - running(a) || (descending ? value(b) - value(a) : value(a) - value(b)));
    }

    show() {
        const {shown} = this;
        const running = this.operations.filter((op) => op.state === "running").length;
        const all = plural(Math.max(this.total, this.operations.length), "operation");
        this.status.textContent = [shown.length < this.operations.length && `${count(shown.length)} of ${all}` || all,
            running && `${running} running`].filter(Boolean).join(", ");
        this.showUsers();
        if (this.mode === "list") this.table.update(new ListSource(shown));
        else timeline(this.lanes, shown);
    }

    /** A choice of users, as soon as there are two. */
    showUsers() {
        const names = [...new Set([...this.operations.map((op) => op.user), this.user].filter(Boolean))].sort();
        const known = [...this.users.options].slice(1).map((option) => option.value);
        this.users.hidden = names.length < 2 && !this.user;
        if (names.every((name) => known.includes(name))) return;
        fill(this.users, h("option", {value: ""}, "All users"),
            [...new Set([...known, ...names])].sort().map((name) =>
                h("option", {value: name, selected: name === this.user}, name)));
    }
}

function costHint(op) {
    return op.alone === false ? "Other operations ran at the same time: theirs is in it." : "";
}

const dash = () => h("span.faint", "–");

function columns(again) {
    return [
        {key: "what", title: "Operation", frozen: true, width: Math.min(420, innerWidth * 0.5),
            cell: (op) => h("span.run-name", statusDot(op.state),
                h("a.clip", {href: link(["engine", "operations", op.id])}, op.description || op.kind)),
            hint: (op) => op.description},
        {key: "kind", title: "Kind", width: 90, cell: (op) => h("span.badge", op.kind)},
        {key: "progress", title: "Progress", width: 110, cell: (op) => op.state === "running"
            ? progressBar(op.progress) ?? "running" : op.state,
        hint: (op) => op.error ?? op.progress?.what ?? ""},
        {key: "acts", title: "", width: 44, cell: (op) => op.state === "running"
            ? h("button.bare.small", {"aria-label": "Cancel", title: "Cancel", "data-id": op.id,
                onclick: () => cancelOperation(op).then(again)}, icon("stop")) : ""},
        {key: "time", title: "Time", numeric: true, width: 100, sort: "duration_ms",
            cell: (op) => duration(op.duration_ms)},
        {key: "cpu", title: "CPU", numeric: true, width: 90, sort: "cpu_seconds",
            cell: (op) => op.cpu_seconds === undefined ? dash() : duration(op.cpu_seconds * 1000), hint: costHint},
        {key: "memory", title: "Memory", numeric: true, width: 90, sort: "peak_bytes",
            cell: (op) => op.peak_bytes === undefined ? dash() : bytes(op.peak_bytes), hint: costHint},
        {key: "rows", title: "Rows", numeric: true, width: 90, sort: "rows",
            cell: (op) => op.rows === undefined ? dash() : count(op.rows)},
        {key: "bytes", title: "Bytes", numeric: true, width: 90, sort: "bytes",
            cell: (op) => op.bytes === undefined ? dash() : bytes(op.bytes)},
        {key: "started", title: "Started", width: 160, sort: "started_ms", cell: (op) => dateTime(op.started_ms)},
        {key: "user", title: "User", width: 100, cell: (op) => op.user ?? ""},
        {key: "session", title: "Session", width: 100, cell: (op) => h("a.mono", {
            href: link(["engine", "sessions"], {session: op.session_id})}, String(op.session_id ?? "").slice(0, 8))},
    ];
}

export async function cancelOperation(op) {
    if (await confirmDialog("Cancel this operation?", op.description || op.kind, "Cancel the operation",
        () => chert.post(`operations/${encodeURIComponent(op.id)}/cancel`, {}))) toast("Cancelled");
}
