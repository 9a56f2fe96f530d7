// Versions of a registered model beside each other: where they stand, their schemas, and params and metrics of the runs
// they come from.

import {mlflow} from "../lib/api.js";
import {storeOfVersion} from "../lib/artifacts.js";
import {fill, h} from "../lib/dom.js";
import {dateTime, number} from "../lib/format.js";
import {aliasBadge, card, failed, heading, stageBadge, versionLink} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {runOfApi} from "../lib/runs.js";
import {readModelFile} from "./model_view.js";

const MOST = 20; // versions

export default async function compareVersionsPage(page, {name}, query) {
    page.title(`Compare versions of ${name}`);
    const numbers = (query.get("versions") ?? "").split(",").filter(Boolean).slice(0, MOST);
    try {
        const columns = await Promise.all(numbers.map((version) => readVersion(name, version, page.signal)));
        draw(page, name, columns);
    } catch (error) {
        if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
    }
}

/** {version, run, signature}; run and signature may be null. */
async function readVersion(name, number, signal) {
    const {model_version: version} = await mlflow.get("model-versions/get", {name, version: number}, signal);
    const store = storeOfVersion(version);
    const [run, file] = await Promise.all([
        version.run_id ? mlflow.get("runs/get", {run_id: version.run_id}, signal).then((reply) => runOfApi(reply.run))
            .catch(() => null) : null,
        store ? readModelFile(store, signal).catch(() => null) : null,
    ]);
    return {version, run, signature: file?.signature ?? null};
}

function draw(page, name, columns) {
    const names = (kind) => [...new Set(columns.flatMap(({run}) => run ? [...run.keys[kind].keys()] : []))].sort();
    const row = (title, cell) => h("tr", h("th", {title}, title), columns.map((column) => h("td", cell(column))));
    const valueRow = (title, value, show = (v) => v) => {
        const values = columns.map(value);
        const differ = new Set(values).size > 1;
        return h("tr", h("th", {title}, title), values.map((v) => h("td", {class: differ ? "differs" : "",
            title: String(v ?? "")}, v === null || v === undefined ? h("span.faint", "–") : show(v))));
    };
    const section = (title, rows) => rows.length
        ? [h("tr.section", h("th", title), columns.map(() => h("td"))), rows] : null;
    const fields = (side) => {
        const all = new Set(columns.flatMap(({signature}) => (signature?.[side] ?? []).map((field) => field.name)));
        return [...all].map((field) => valueRow(field || "–",
            ({signature}) => signature?.[side].find((one) => one.name === field)?.type));
    };
    const runs = columns.map(({run}) => run).filter(Boolean);
    const compare = runs.length > 1 && h("a.button", {href: link(["compare-runs"], {
        runs: JSON.stringify([...new Set(runs.map((run) => run.id))]),
        experiments: JSON.stringify([...new Set(runs.map((run) => run.experiment))])})}, "Compare the runs");
    fill(page.root, h("div.page",
        heading(`Comparing ${columns.length} versions`, {
            crumbs: [["Models", "#/models"], [name, link(["models", name])]], actions: [compare]}),
        card("Side by side", h("div.compare-table", h("table",
            h("thead", h("tr", h("th", "Version"), columns.map(({version}) =>
                h("th", versionLink(name, version.version, `Version ${version.version}`))))),
            h("tbody", row("Stage", ({version}) => stageBadge(version.current_stage) ?? h("span.faint", "None")),
                row("Aliases", ({version}) => h("span.badges", (version.aliases ?? []).map(aliasBadge))),
                row("Created", ({version}) => dateTime(version.creation_timestamp)),
                row("Source run", ({version, run}) => version.run_id ? h("a", {href: link(["runs", version.run_id])},
                    run?.name || version.run_id.slice(0, 8)) : h("span.faint", "–")),
                section("Inputs", fields("inputs")), section("Outputs", fields("outputs")),
                section("Metrics", names("metrics").map((key) => valueRow(key, ({run}) => run?.metric(key),
                    (v) => number(v, 6)))),
                section("Parameters", names("params").map((key) => valueRow(key, ({run}) => run?.param(key))))))))));
}
