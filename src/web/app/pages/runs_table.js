// The table of runs: which columns there are, where rows come from, grouping.

import {reportError} from "../lib/dialog.js";
import {h, icon} from "../lib/dom.js";
import {ago, dateTime, duration, number, plural} from "../lib/format.js";
import {runLink, statusDot} from "../lib/parts.js";
import {fetchAllRuns, fetchRuns, quoted} from "../lib/runs.js";
import {PagedSource, PENDING, VirtualTable} from "../lib/table.js";
import {pickColumns, ColumnChoice} from "./runs_columns.js";

const GROUP_LIMIT = 20000;
const DOWNLOAD_LIMIT = 100000;
const PIN_WIDTH = 640; // narrower windows have no room for more than the names to stay in sight

export class RunsTable {
    constructor(view) {
        this.view = view;
        this.choice = new ColumnChoice(view.experiments.join(","), view.columns);
        this.sample = []; // some runs, to tell how wide columns should be
        this.table = new VirtualTable(this.columns(), PENDING, {
            label: "Runs", selection: view.selection, order: view.order, rowKey: (row) => row.run?.id ?? null,
            rowValue: (row) => row.run,
            empty: "No runs match.",
            onOpen: (row) => row.run ? location.assign(runLink(row.run.experiment, row.run.id).href) : this.toggle(row),
            onSort: (column) => view.sort(column), onTurn: (row, open) => this.turn(row, open),
            onResize: (column, width) => this.choice.setWidth(column.key, width),
        });
        this.element = this.table.element;
    }

    load(quiet = false) {
        this.source?.stop?.();
        this.table.setOrder(this.view.order);
        if (this.view.group) this.loadGroups();
        else this.loadFlat(quiet);
    }

    /** Rows come in blocks as they are scrolled to. `quiet`: what is shown stays until the new rows are there. */
    loadFlat(quiet) {
        const query = this.view.query();
        const fetchPage = async (offset, limit, signal) => {
            const page = await (this.view.takePrefetched(offset) ?? fetchRuns(query, offset, limit, signal));
            this.lastKeys = page.keys;
            if (!this.sample.length) this.sample = page.rows.slice(0, 50);
            return {total: page.total, rows: page.rows.map((run) => ({run, depth: 0}))};
        };
        const source = new PagedSource(fetchPage, (error) => {
            if (error) return this.view.loaded(error);
            this.view.loaded(null, source.total, this.lastKeys);
            this.table.refresh();
            return requestAnimationFrame(markFirstRow);
        }, {previous: quiet ? this.source : null});
        this.setSource(source, quiet);
        source.want(0, 1);
    }

    async loadGroups() {
        try {
            const [{runs, total, keys}, {GroupedRuns}] = await Promise.all([
                fetchAllRuns(this.view.query(), GROUP_LIMIT, this.view.page.signal), import("./runs_groups.js")]);
            this.sample = runs.slice(0, 50);
            this.setSource(new GroupedRuns(runs, this.view.group), false);
            this.view.loaded(null, total, keys);
        } catch (error) {
            if (error.name !== "AbortError") this.view.loaded(error);
        }
    }

    setSource(source, quiet) {
        this.source = source;
        if (quiet) this.table.update(source);
        else this.table.setSource(source);
    }

    keysChanged() {
        this.table.setColumns(this.columns());
    }

    toggle(row) {
        this.source.toggle(row);
        this.table.refresh();
    }

    /** Opens or closes a row with others below it; whether there was something to do. */
    turn(row, open) {
        if (!this.view.group || !row.children?.length || Boolean(row.open) === open) return false;
        this.toggle(row);
        return true;
    }

    pickColumns(button) {
        pickColumns(button, this.choice, this.allColumns(), () => this.sameColumns(), () => {
            this.keysChanged();
            this.view.keep();
        });
    }

    /** Columns of metrics, params and tags in which all runs in the table, as far as they were loaded, are the same. */
    sameColumns() {
        const runs = [];
        for (let i = 0; i < this.source.total; i++) {
            const run = this.source.row(i)?.run;
            if (run) runs.push(run);
        }
        return this.allColumns().filter((column) => column.kind &&
            new Set(runs.map((run) => column.value(run))).size < 2);
    }

    /** Every run that matches, with the columns that are shown. */
    async download(button) {
        button.disabled = true;
        try {
            const columns = this.columns();
            const {download, toCsv} = await import("../lib/download.js");
            const {runs} = await fetchAllRuns(this.view.query(), DOWNLOAD_LIMIT, this.view.page.signal);
            const head = ["run_id", ...columns.map((column) => column.key)];
            download(`runs of ${this.view.experiments.map((id) => this.view.head.name(id)).join(", ")}.csv`,
                toCsv([head, ...runs.map((run) => [run.id, ...columns.map((column) => column.value(run))])]));
        } catch (error) {
            reportError(error);
        }
        button.disabled = false;
    }

    columns() {
        const pins = innerWidth >= PIN_WIDTH;
        return this.allColumns().filter((column) => column.always || this.choice.isShown(column))
            .map((column) => ({...column, width: this.choice.width(column),
                frozen: column.frozen || (pins && this.choice.isPinned(column))}));
    }

    allColumns() {
        const {metrics, params, tags} = this.view.keys;
        return [
            this.nameColumn(),
            ...(this.view.experiments.length > 1 ? [attribute("experiment", "Experiment", 150, null,
                (run) => this.view.head.name(run.experiment))] : []),
            attribute("start", "Created", 100, "attributes.start_time",
                (run) => h("span", {title: dateTime(run.start)}, ago(run.start)), (run) => isoTime(run.start)),
            attribute("duration", "Duration", 90, null, (run) => runningTime(run), (run) => run.duration),
            ...metrics.map((name) => metricColumn(name)),
            ...params.map((name) => textColumn("params", "parameter", name, this.sample)),
            {...attribute("user", "User", 100, "attributes.user_id", (run) => run.user ?? ""), hidden: true},
            {...attribute("status", "Status", 90, "attributes.status", (run) => run.status.toLowerCase()),
                hidden: true},
            {...attribute("end", "Ended", 150, "attributes.end_time", (run) => dateTime(run.end),
                (run) => isoTime(run.end)), hidden: true},
            {...attribute("id", "Run id", 250, "attributes.run_id", (run) => h("span.mono", run.id), (run) => run.id),
                hidden: true},
            ...tags.map((name) =>
                ({...textColumn("tags", "tag", name, this.sample), hidden: name.startsWith("mlflow.")})),
        ];
    }

    nameColumn() {
        return {
            key: "name", title: "Run", sort: "attributes.run_name", frozen: true, always: true,
            width: Math.min(250, Math.round(innerWidth * 0.42)), value: (run) => run.name,
            cell: (row) => row.run ? this.runCell(row) : this.groupCell(row),
            hint: (row) => row.run?.name ?? row.label,
        };
    }

    runCell(row) {
        const {run, depth, children} = row;
        const indent = h("span", {style: {width: `${depth * 16}px`, flex: "none"}});
        const twist = this.view.group ? this.twist(row, children?.length > 0) : null;
        return h("span.run-name", depth > 0 && indent, twist, statusDot(run.status),
            runLink(run.experiment, run.id, run.name),
            run.stage === "deleted" && h("span.badge.bad", "deleted"));
    }

    groupCell(row) {
        return h("span.run-name.group-row", this.twist(row, true), h("span.clip", row.label),
            h("span.faint", plural(row.children.length, "run")));
    }

    twist(row, has) {
        return h("button.twist",
            {"aria-label": row.open ? "Close" : "Open", "aria-expanded": String(Boolean(row.open)), tabIndex: -1,
            style: {visibility: has ? "visible" : "hidden"},
            onclick: (event) => this.toggle(this.table.rowAt(event))}, icon("right"));
    }
}

/** `value`: what goes into a file, where that is not what the cell says. */
function attribute(key, title, width, sort, cell, value = cell) {
    return {key, title, width, sort, numeric: false, value, cell: (row) => row.run ? cell(row.run) : ""};
}

function isoTime(ms) {
    return ms ? new Date(ms).toISOString() : "";
}

/** How long a run took, or has been going on. */
function runningTime(run) {
    if (run.end || run.status !== "RUNNING") return duration(run.duration);
    return h("span.muted", {title: "still running"}, duration(Date.now() - run.start));
}

function metricColumn(name) {
    return {
        key: `metrics.${name}`, title: name, kind: "metric", sort: quoted("metrics", name), numeric: true,
        width: clamp(name.length * 7.6 + 34, 84, 190), hidden: name.startsWith("system/"),
        value: (run) => run.metric(name),
        cell: (row) => row.run ? number(row.run.metric(name)) : meanOf(row.children, name),
        hint: (row) => row.run ? String(row.run.metric(name) ?? "") : "mean",
    };
}

/** As wide as its name and the values of some runs need. */
function textColumn(kind, label, name, sample) {
    const value = (run) => (kind === "params" ? run.param(name) : run.tag(name)) ?? "";
    const longest = Math.max(name.length, ...sample.map((run) => value(run).length));
    return {
        key: `${kind}.${name}`, title: name, kind: label, sort: quoted(kind, name), numeric: false,
        width: clamp(longest * 7.6 + 26, 90, 220), cell: (row) => row.run ? value(row.run) : "", value,
    };
}

function meanOf(rows, name) {
    const values = rows.map((row) => Number(row.run.metric(name) ?? NaN)).filter(Number.isFinite);
    return values.length ? h("span.muted", `⌀ ${number(values.reduce((a, b) => a + b, 0) / values.length)}`) : "";
}

function clamp(x, low, high) {
    return Math.max(low, Math.min(high, x));
}

/** For measurements: when the first row of a table was in the document. */
function markFirstRow() {
    if (!performance.getEntriesByName("first-row").length) performance.mark("first-row");
}

