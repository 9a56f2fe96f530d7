// The traces of an experiment: filter, state, order, how long they took; deleting.

import {mlflow} from "../lib/api.js";
import {confirmDialog, toast} from "../lib/dialog.js";
import {fill, h, icon, refill} from "../lib/dom.js";
import {ago, count, dateTime, duration, plural} from "../lib/format.js";
import {runLink, segments} from "../lib/parts.js";
import {keepInAddress, link} from "../lib/router.js";
import {traceOfApi} from "../lib/spans.js";
import {ListSource, PENDING, Selection, VirtualTable} from "../lib/table.js";
import {ExperimentHead} from "./experiment_head.js";
import {FilterBox} from "./filter_box.js";
import {assessmentBadge} from "./trace_assessments.js";

const LIMIT = 5000; // traces in the list
const PAGE = 500;
const STATES = [["", "All"], ["OK", "OK"], ["ERROR", "Error"], ["IN_PROGRESS", "Running"]];
const NAMES = ["trace.name", "trace.status", "trace.timestamp_ms", "trace.execution_time_ms", "trace.run_id",
    "trace.text", "metadata.`mlflow.trace.user`", "metadata.`mlflow.trace.session`"];
const HELP = [
    ["trace.name = 'answer'", "by name"], ["trace.execution_time_ms > 1000", "slower than a second"],
    ["trace.text LIKE '%refund%'", "with a word in inputs, outputs or attributes"],
    ["tags.kind = 'test' AND trace.status = 'ERROR'", "by tag and state"], ["trace.run_id = 'RUN'", "made by a run"],
];

export default async function tracesPage(page, params, query) {
    const chosen = query.get("selectedEvaluationId") ?? query.get("selectedTraceId"); // addresses of MLflow's own
    if (chosen) return location.replace(link(["experiments", params.experiments, "traces", chosen]));
    const view = new TracesView(page, params.experiments, query);
    const head = new ExperimentHead(page, params.experiments.split(","), "traces");
    fill(page.root, h("div.page.full", head.element, view.element));
    view.load();
    head.load();
    return page.poll(10000, () => view.load());
}

class TracesView {
    constructor(page, experiments, query) {
        this.page = page;
        this.experiments = experiments;
        this.filter = query.get("filter") ?? "";
        this.state = query.get("state") ?? "";
        const [sort, direction] = (query.get("order") ?? "trace.timestamp_ms DESC").split(" ");
        this.order = {sort, descending: direction !== "ASC"};
        this.traces = [];
        this.tags = [];
        this.selection = new Selection(() => this.traces.map((trace) => [trace.id, trace]));
        this.selection.addEventListener("change", () => this.drawStatus());
        this.element = traceListElement(this);
    }

    async load() {
        const locations = this.experiments.split(",").map((id) =>
            ({type: "MLFLOW_EXPERIMENT", mlflow_experiment: {experiment_id: id}}));
        const asked = this.asked = {filter: filterOf(this.filter, this.state), locations, max_results: PAGE,
            order_by: [`${this.order.sort} ${this.order.descending ? "DESC" : "ASC"}`]};
        try {
            const traces = [];
            let token;
            do {
                const reply = await mlflow.post("traces/search", {...asked, page_token: token}, this.page.signal);
                if (asked !== this.asked) return; // something else was asked for meanwhile
                traces.push(...(reply.traces ?? []).map(traceOfApi));
                token = reply.next_page_token;
            } while (token && traces.length < LIMIT);
            this.show(traces, Boolean(token));
            this.tell(null);
        } catch (error) {
            if (error.name !== "AbortError") this.tell(error);
        }
    }

    show(traces, isCut) {
        this.traces = traces;
        this.isCut = isCut;
        this.tags = [...new Set(traces.flatMap((trace) => Object.keys(trace.tags)))]
            .filter((name) => !name.startsWith("mlflow."));
        this.table.options.empty = this.filter || this.state ? "No traces match." :
            "No traces. Programs that use mlflow.trace or an autolog of a language model show up here.";
        this.longest = Math.max(1, ...traces.map((trace) => trace.duration ?? 0));
        this.table.update(new ListSource(traces));
        this.drawStatus();
    }

    tell(error) {
        this.problem.hidden = !error;
        this.problem.textContent = error?.message ?? "";
        this.filterBox.setBad(Boolean(error));
    }

    change(what) {
        Object.assign(this, what);
        this.table.setOrder(this.order);
        keepInAddress(["experiments", this.experiments, "traces"], {filter: this.filter, state: this.state,
            order: `${this.order.sort} ${this.order.descending ? "DESC" : "ASC"}`});
        this.selection.clear();
        this.load();
    }

    drawStatus() {
        const chosen = [...this.selection.chosen.values()];
        const times = this.traces.map((trace) => trace.duration).filter((ms) => ms !== null).sort((a, b) => a - b);
        const share = (q) => duration(times[Math.min(times.length - 1, Math.floor(times.length * q))]);
        const failed = this.traces.filter((trace) => trace.state === "ERROR").length;
        const all = `${this.isCut ? "the first " : ""}${plural(this.traces.length, "trace")}`;
        const selected = chosen.length > 0 && [h("strong", `${count(chosen.length)} selected`), " of "];
        refill(this.status, h("span", selected, all),
            failed > 0 && h("span.badge.bad", plural(failed, "error")),
            times.length > 1 && h("span.faint", `half within ${share(0.5)}, 95 % within ${share(0.95)}`),
            chosen.length > 0 && [h("button.small.danger", {onclick: () => this.remove()}, "Delete"),
                h("button.small.bare", {onclick: () => this.selection.clear()}, "Clear")]);
    }

    async remove() {
        const traces = [...this.selection.chosen.values()];
        const done = await confirmDialog(`Delete ${plural(traces.length, "trace")}?`,
            "Their spans and assessments go with them. This cannot be undone.", "Delete", async () => {
                for (const experiment of new Set(traces.map((trace) => trace.experiment))) {
                    const ids = traces.filter((trace) => trace.experiment === experiment).map((trace) => trace.id);
                    for (let at = 0; at < ids.length; at += 100) {
                        await mlflow.post("traces/delete-traces",
                            {experiment_id: experiment, request_ids: ids.slice(at, at + 100)});
                    }
                }
            });
        if (!done) return;
        toast(`Deleted ${plural(traces.length, "trace")}`);
        this.selection.clear();
        this.load();
    }
}

function filterOf(text, state) {
    const parts = [text, state && `trace.status = '${state}'`].filter(Boolean);
    return parts.join(" AND ");
}

/** The list with its tools; the view gets `table`, `status`, `problem` and `filterBox`. */
function traceListElement(view) {
    view.filterBox = new FilterBox(view.filter, {label: "Filter traces", placeholder: "trace.execution_time_ms > 1000",
        names: () => [...NAMES, ...view.tags.map((name) => `tags.\`${name}\``)], help: HELP,
        submit: (filter) => view.change({filter})});
    view.problem = h("p.problem", {role: "alert", hidden: true});
    view.status = h("div.runs-status");
    view.table = new VirtualTable(columns(view), PENDING, {
        label: "Traces", selection: view.selection, rowKey: (trace) => trace.id, order: view.order,
        onOpen: (trace) => { location.hash = addressOf(trace); },
        onSort: (column) => view.change({order: {sort: column.sort,
            descending: view.order.sort === column.sort ? !view.order.descending : true}}),
    });
    return h("div.contents", h("div.toolbar", view.filterBox.element,
        segments(STATES, view.state, (state) => view.change({state}), "State"),
        h("button", {title: "Load again", "aria-label": "Load again", onclick: () => view.load()}, icon("refresh"))),
    view.problem, view.status, view.table.element);
}

function addressOf(trace) {
    return link(["experiments", trace.experiment, "traces", trace.id]);
}

const DOTS = {OK: "finished", ERROR: "failed", IN_PROGRESS: "running"};

function columns(view) {
    return [
        {key: "name", title: "Trace", frozen: true, sort: "trace.name", width: Math.min(240, innerWidth * 0.42),
            cell: (t) => h("span.run-name",
                h(`span.dot.${DOTS[t.state] ?? "unknown"}`, {title: t.state, role: "img", "aria-label": t.state}),
                h("a.clip", {href: addressOf(t)}, t.name || t.id)), hint: (t) => `${t.name} ${t.id}`},
        {key: "time", title: "Started", sort: "trace.timestamp_ms", width: 110,
            cell: (t) => h("span", {title: dateTime(t.time)}, ago(t.time))},
        {key: "duration", title: "Took", sort: "trace.execution_time_ms", width: 150,
            cell: (t) => h("span.latency", h("span.value", duration(t.duration)),
                h("span.bar", h("span", {style: {width: `${100 * (t.duration ?? 0) / view.longest}%`}})))},
        {key: "request", title: "Request", width: 280, cell: (t) => t.request},
        {key: "response", title: "Response", width: 280, cell: (t) => t.response},
        {key: "tokens", title: "Tokens", numeric: true, width: 80,
            cell: (t) => t.tokens === null ? "" : count(t.tokens)},
        {key: "assessments", title: "Assessments", width: 200,
            cell: (t) => h("span.badges", t.assessments.map((one) => assessmentBadge(one)))},
        {key: "run", title: "Run", width: 100,
            cell: (t) => t.run ? runLink(t.experiment, t.run, t.run.slice(0, 8)) : ""},
        {key: "user", title: "User", width: 100, cell: (t) => t.user},
        {key: "session", title: "Session", width: 120, cell: (t) => t.session},
        {key: "tags", title: "Tags", width: 220, cell: (t) => Object.entries(t.tags)
            .filter(([key]) => !key.startsWith("mlflow.")).map(([key, value]) => `${key}: ${value}`).join(", ")},
    ];
}
