// The runs of one or several experiments: what is asked for (filter, order, state, grouping), as a table or charts.

import {fill, h, icon, refill} from "../lib/dom.js";
import {count, plural} from "../lib/format.js";
import {segments} from "../lib/parts.js";
import {keepInAddress} from "../lib/router.js";
import {Selection} from "../lib/table.js";
import {fetchAllRuns, fetchRuns, VIEWS} from "../lib/runs.js";
import {ExperimentHead} from "./experiment_head.js";
import {FilterBox} from "./filter_box.js";
import {RunsTable} from "./runs_table.js";
import {drawRunActions} from "./runs_actions.js";

const ALL_LIMIT = 50000; // runs that can be selected at once
const FIRST_ROWS = 100; // as many as a block of the table
const ATTRIBUTES = ["attributes.run_name", "attributes.status", "attributes.user_id", "attributes.run_id",
    "attributes.start_time", "attributes.end_time", "datasets.name", "datasets.context"];
const HELP = [
    ["metrics.auc > 0.9", "by a metric's latest value"], ["params.model = \"tree\"", "by a parameter, which is a text"],
    ["tags.team = 'sales' AND metrics.rmse < 1", "several conditions"],
    ["attributes.run_name ILIKE '%baseline%'", "by name, in any case"],
    ["attributes.status = 'FAILED'", "by state"], ["params.`learning rate` LIKE '0.0%'", "a name with a space"],
    ["datasets.name = 'leads'", "by a data set that was logged"],
];

export default async function runsPage(page, params, query) {
    const view = new RunsView(page, params.experiments.split(",").filter(Boolean), query);
    view.prefetch();
    view.draw();
    view.reload();
    view.head.load(() => view.table?.keysChanged());
    page.poll(10000, () => view.refresh());
}

class RunsView {
    constructor(page, experiments, query) {
        this.page = page;
        this.experiments = experiments;
        this.head = new ExperimentHead(page, experiments, "runs");
        this.mode = query.get("view") === "charts" || location.hash.includes("/charts") ? "charts" : "table";
        this.state = query.get("state") in VIEWS ? query.get("state") : "active";
        this.filter = query.get("filter") ?? "";
        this.order = parseOrder(query.get("order"));
        this.group = query.get("group") ?? "";
        this.columns = {show: query.get("show"), hide: query.get("hide")}; // in the address, for who gets a link
        this.keys = {metrics: [], params: [], tags: []};
        this.total = null;
        this.selection = new Selection(async () => {
            const {runs} = await fetchAllRuns(this.query(), ALL_LIMIT, page.signal);
            return runs.map((run) => [run.id, run]);
        });
        this.selection.addEventListener("change", () => this.drawStatus());
    }

    /** What to ask the server for. */
    query() {
        return {experiments: this.experiments, filter: this.filter, order: this.order, view: this.state};
    }

    /** Asks for the first rows before anything is drawn: they come while the page is being built. */
    prefetch() {
        if (this.mode !== "table" || this.group) return;
        this.prefetched = fetchRuns(this.query(), 0, FIRST_ROWS, this.page.signal);
        this.prefetched.catch(() => {}); // told of where it is awaited
    }

    takePrefetched(offset) {
        const rows = offset === 0 ? this.prefetched : null;
        if (rows) this.prefetched = null;
        return rows;
    }

    draw() {
        this.content = h("div.contents");
        this.status = h("div.runs-status");
        this.problem = h("p.problem", {role: "alert", hidden: true});
        this.groupSelect = h("select",
            {"aria-label": "Group runs", onchange: () => this.change({group: this.groupSelect.value})});
        this.columnsButton = h("button",
            {"aria-haspopup": "dialog", onclick: () => this.table?.pickColumns(this.columnsButton)},
            icon("columns"), "Columns");
        this.filterBox = new FilterBox(this.filter, {label: "Filter runs", help: HELP, names: () => namesOf(this.keys),
            placeholder: "metrics.auc > 0.9 and params.model = \"tree\"", submit: (filter) => this.change({filter})});
        const mode = segments([["table", [icon("table"), "Table"]], ["charts", [icon("chart"), "Charts"]]], this.mode,
            (value) => this.setMode(value), "View");
        const state = segments([["active", "Active"], ["deleted", "Deleted"], ["all", "All"]], this.state,
            (value) => this.change({state: value}), "State");
        this.csvButton = h("button", {title: "Download as CSV", "aria-label": "Download as CSV",
            onclick: () => this.table?.download(this.csvButton)}, icon("download"));
        fill(this.page.root, h("div.page.full", this.head.element,
            h("div.toolbar", mode, this.filterBox.element, state, this.groupSelect, this.columnsButton, this.csvButton,
                h("button", {title: "Load again", "aria-label": "Load again", onclick: () => this.reload()},
                    icon("refresh"))),
            this.problem, this.status, this.content));
        this.drawGroups();
        this.drawMode();
    }

    setMode(mode) {
        this.mode = mode;
        this.keep();
        this.drawMode();
        this.reload();
    }

    async drawMode() {
        const table = this.mode === "table";
        this.columnsButton.hidden = this.groupSelect.hidden = this.csvButton.hidden = !table;
        this.table = this.charts = null;
        fill(this.content);
        if (table) {
            this.table = new RunsTable(this);
            this.content.append(this.table.element);
        } else {
            const {RunCharts} = await import("./runs_charts.js");
            if (this.mode !== "charts" || this.page.signal.aborted) return;
            this.charts = new RunCharts(this);
            fill(this.content, this.charts.element);
            this.charts.load();
        }
    }

    drawGroups() {
        const options = [["", "No grouping"], ["parent", "Nest child runs"],
            ...this.keys.params.map((name) => [`params.${name}`, `By ${name}`]),
            ...this.keys.tags.filter((name) => !name.startsWith("mlflow."))
                .map((name) => [`tags.${name}`, `By tag ${name}`])];
        if (!options.some(([value]) => value === this.group)) options.push([this.group, `By ${this.group}`]);
        fill(this.groupSelect,
            options.map(([value, label]) => h("option", {value, selected: value === this.group}, label)));
    }

    /** Another filter, state, order or grouping. */
    change(what) {
        Object.assign(this, what);
        this.keep();
        if (!("order" in what) && !("group" in what)) this.selection.clear();
        this.reload();
    }

    keep() {
        const order = this.order ? `${this.order.sort} ${this.order.descending ? "DESC" : "ASC"}` : "";
        keepInAddress(["experiments", this.experiments.join(",")], {
            view: this.mode === "charts" ? "charts" : "", filter: this.filter, order,
            state: this.state === "active" ? "" : this.state, group: this.group, ...this.table?.choice.address(),
        });
    }

    sort(column) {
        let order = {sort: column.sort, descending: column.numeric ?? false};
        if (this.order?.sort === column.sort) {
            const first = this.order.descending === order.descending;
            order = first ? {sort: column.sort, descending: !order.descending} : null;
        }
        this.change({order});
    }

    reload() {
        this.table?.load();
        this.charts?.load();
    }

    /** Runs that were added or went on: what is in sight is asked for again. */
    refresh() {
        if (!this.group && this.isGood) this.table?.load(true);
    }

    /** Told by the table or the charts when runs have come, or not. */
    loaded(error, total, keys) {
        this.problem.hidden = !error;
        this.problem.textContent = error?.message ?? "";
        this.filterBox.setBad(Boolean(error));
        this.isGood = error?.status !== 400; // a filter that is wrong stays so
        if (error) return;
        this.total = total;
        if (keys && addKeys(this.keys, keys)) {
            this.drawGroups();
            this.table?.keysChanged();
        }
        this.drawStatus();
    }

    drawStatus() {
        const chosen = this.selection.size;
        const shown = this.total === null ? "Loading…" :
            `${plural(this.total, this.filter ? "matching run" : "run")}`;
        refill(this.status, h("span", chosen ? [h("strong", `${count(chosen)} selected`), ` of ${shown}`] : shown),
            chosen > 0 && drawRunActions(this));
    }
}

/** Names as filters have them. */
function namesOf({metrics, params, tags}) {
    const quote = (name) => /^\w+$/.test(name) ? name : `\`${name}\``;
    return [...metrics.map((name) => `metrics.${quote(name)}`), ...params.map((name) => `params.${quote(name)}`),
        ...tags.map((name) => `tags.${quote(name)}`), ...ATTRIBUTES];
}

/** Adds new names, keeps the order; whether there were any. */
function addKeys(keys, more) {
    let changed = false;
    for (const kind of Object.keys(keys)) {
        const known = new Set(keys[kind]);
        const fresh = (more[kind] ?? []).filter((name) => !known.has(name));
        if (!fresh.length) continue;
        keys[kind] = [...keys[kind], ...fresh].sort((a, b) => a.localeCompare(b));
        changed = true;
    }
    return changed;
}

function parseOrder(text) {
    const match = /^(.+) (ASC|DESC)$/.exec(text ?? "");
    return match ? {sort: match[1], descending: match[2] === "DESC"} : null;
}

