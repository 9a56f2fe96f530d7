// The logged models of an experiment (MLflow 3).

import {all, mlflow} from "../lib/api.js";
import {fill, h} from "../lib/dom.js";
import {dateTime, number} from "../lib/format.js";
import {failed, runLink} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {ExperimentHead} from "./experiment_head.js";
import {ListSource, VirtualTable} from "../lib/table.js";

export default async function loggedModelsPage(page, params) {
    const ids = params.experiments.split(",");
    const slot = h("div.contents");
    const head = new ExperimentHead(page, ids, "models");
    fill(page.root, h("div.page.full", head.element, slot));
    head.load();
    try {
        const models = await all((token) => mlflow.post("logged-models/search",
            {experiment_ids: ids, max_results: 100, page_token: token}, page.signal), "models", 5000);
        fill(slot, new VirtualTable(columnsOf(models), new ListSource(models),
            {label: "Logged models", empty: "No logged models.",
            onOpen: (m) => { location.hash = addressOf(m); }}).element);
    } catch (error) {
        if (error.name !== "AbortError") fill(slot, failed(error));
    }
}

function addressOf({info}) {
    return link(["experiments", info.experiment_id, "models", info.model_id]);
}

function columnsOf(models) {
    const names = (member) =>
        [...new Set(models.flatMap((m) => (m.data?.[member] ?? []).map((one) => one.key)))].sort();
    const find = (list, key) => list?.find((one) => one.key === key)?.value;
    return [
        {key: "name", title: "Model", frozen: true, width: 220, cell: (m) => h("a", {href: addressOf(m)}, m.info.name)},
        {key: "created", title: "Created", width: 150, cell: (m) => dateTime(m.info.creation_timestamp_ms)},
        {key: "status", title: "Status", width: 90, cell: (m) => String(m.info.status ?? "")
            .replace("LOGGED_MODEL_", "").toLowerCase()},
        {key: "type", title: "Type", width: 110, cell: (m) => m.info.model_type ?? ""},
        {key: "run", title: "Source run", width: 110, cell: (m) => m.info.source_run_id ?
            runLink(m.info.experiment_id, m.info.source_run_id, m.info.source_run_id.slice(0, 8)) : ""},
        ...names("metrics").map((key) => ({key: `m.${key}`, title: key, kind: "metric", numeric: true, width: 110,
            cell: (m) => number(find(m.data?.metrics, key))})),
        ...names("params").map((key) => ({key: `p.${key}`, title: key, kind: "parameter", width: 120,
            cell: (m) => find(m.data?.params, key) ?? ""})),
    ];
}
