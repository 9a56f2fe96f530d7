// Runs as the tables and charts use them, out of the compact pages of POST /api/chert/v1/runs/table: names of metrics,
// params and tags once, then one array a run.

import {chert, mlflow} from "./api.js";

const PARENT = "mlflow.parentRunId";

/** Positions of names in the arrays of a page's rows. */
class Keys {
    constructor(keys) {
        this.metrics = new Map((keys.metrics ?? []).map((name, i) => [name, i]));
        this.params = new Map((keys.params ?? []).map((name, i) => [name, i]));
        this.tags = new Map((keys.tags ?? []).map((name, i) => [name, i]));
    }
}

export class Run {
    constructor(keys, row) {
        this.keys = keys;
        [this.id, this.experiment, this.name, this.status, this.user, this.start, this.end, this.stage,
            this.metricValues,
            this.paramValues, this.tagValues] = row;
    }

    metric(name) {
        return this.metricValues[this.keys.metrics.get(name)] ?? null;
    }

    param(name) {
        return this.paramValues[this.keys.params.get(name)] ?? null;
    }

    tag(name) {
        return this.tagValues[this.keys.tags.get(name)] ?? null;
    }

    get parent() {
        return this.tag(PARENT);
    }

    get duration() {
        return this.end ? this.end - this.start : null;
    }
}

/** The value of a column of any kind: "metrics", "params", "tags" or an attribute. */
export function valueOf(run, kind, name) {
    if (kind === "metrics") return run.metric(name);
    if (kind === "params") return run.param(name);
    if (kind === "tags") return run.tag(name);
    return run[name];
}

export const VIEWS = {active: "ACTIVE_ONLY", deleted: "DELETED_ONLY", all: "ALL"};

/** What is asked for: {experiments, filter, order: {sort, descending} or null, view}. */
export async function fetchRuns(query, offset, limit, signal) {
    const order = query.order ? [`${query.order.sort} ${query.order.descending ? "DESC" : "ASC"}`] : [];
    const page = await chert.post("runs/table", {
        experiment_ids: query.experiments, filter: query.filter ?? "", order_by: order,
        run_view_type: VIEWS[query.view ?? "active"], offset, limit,
    }, signal);
    const keys = new Keys(page.keys ?? {});
    return {total: page.total, keys: page.keys ?? {}, rows: (page.rows ?? []).map((row) => new Run(keys, row))};
}

/** Every run that matches, fetched in big blocks; `limit` at most. */
export async function fetchAllRuns(query, limit, signal) {
    const runs = [];
    const keys = {metrics: new Set(), params: new Set(), tags: new Set()};
    let total = Infinity;
    while (runs.length < Math.min(total, limit)) {
        const page = await fetchRuns(query, runs.length, Math.min(2000, limit - runs.length), signal);
        total = page.total;
        for (const kind of Object.keys(keys)) for (const name of page.keys[kind] ?? []) keys[kind].add(name);
        if (!page.rows.length) break;
        runs.push(...page.rows);
    }
    const names = Object.fromEntries(Object.entries(keys).map(([kind, set]) => [kind, [...set]]));
    return {total, runs, keys: names};
}

/** A run of MLflow's API in the same shape. */
export function runOfApi(run) {
    const list = (items) => items ?? [];
    const {info, data = {}} = run;
    const keys = new Keys({
        metrics: list(data.metrics).map((m) => m.key),
        params: list(data.params).map((p) => p.key),
        tags: list(data.tags).map((t) => t.key),
    });
    return new Run(keys, [info.run_id, info.experiment_id, info.run_name, info.status, info.user_id, info.start_time,
        info.end_time, info.lifecycle_stage, list(data.metrics).map((m) => m.value), list(data.params)
            .map((p) => p.value),
        list(data.tags).map((t) => t.value)]);
}

/** Runs by id, in the order asked for; those that are not there are left out. */
export async function runsById(ids, experiments, signal) {
    const found = new Map();
    for (let at = 0; at < ids.length; at += 100) {
        const some = ids.slice(at, at + 100);
        const quoted = some.map((id) => `'${id.replaceAll("'", "")}'`).join(", ");
        const reply = await mlflow.post("runs/search", {
            experiment_ids: experiments, filter: `attributes.run_id IN (${quoted})`, run_view_type: "ALL",
                max_results: 1000,
        }, signal);
        for (const run of reply.runs ?? []) found.set(run.info.run_id, runOfApi(run));
    }
    return ids.map((id) => found.get(id)).filter(Boolean);
}

/** "metrics.`a b`" as filters and orders name it. */
export function quoted(kind, name) {
    return `${kind}.\`${name}\``;
}

export async function deleteRuns(ids) {
    for (const id of ids) await mlflow.post("runs/delete", {run_id: id});
}

export async function restoreRuns(ids) {
    for (const id of ids) await mlflow.post("runs/restore", {run_id: id});
}

/** Removes deleted runs for good, artifacts included. */
export function purgeRuns(ids) {
    return chert.post("gc", {run_ids: ids});
}
