// One logged model: facts, what is inside, its files.

import {mlflow} from "../lib/api.js";
import {LoggedModelArtifacts} from "../lib/artifacts.js";
import {fill, h} from "../lib/dom.js";
import {dateTime, number} from "../lib/format.js";
import {card, copyButton, facts, failed, heading, runLink, tabs} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {artifactBrowser} from "./artifact_browser.js";
import {modelCards} from "./model_view.js";
import {register} from "./run_model.js";

export default async function loggedModelPage(page, params) {
    let model;
    try {
        ({model} = await mlflow.get(`logged-models/${encodeURIComponent(params.model)}`, {}, page.signal));
    } catch (error) {
        if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
        return;
    }
    const {info} = model;
    const store = new LoggedModelArtifacts(info.model_id);
    const uri = `models:/${info.model_id}`;
    const base = ["experiments", info.experiment_id, "models", info.model_id];
    const tab = (params.tab ?? "").startsWith("artifacts") ? "artifacts" : "overview";
    page.title(info.name);
    fill(page.root, h("div.page",
        heading(info.name, {crumbs: [["Experiments", "#/experiments"],
            ["Logged models", link(["experiments", info.experiment_id, "models"])]],
            beside: [h("span.mono.faint", info.model_id, copyButton(info.model_id))],
            actions: [h("button.primary",
                {onclick: () => register({source: uri, modelId: info.model_id}, info.source_run_id)},
                    "Register model")]}),
        tabs([["overview", "Overview", link(base)], ["artifacts", "Artifacts", link([...base, "artifacts"])]], tab),
        tab === "artifacts" ? artifactBrowser(store, {signal: page.signal, root: info.artifact_uri})
            : overview(model, store, uri, page.signal)));
}

function overview({info, data = {}}, store, uri, signal) {
    const table = (title, rows) => card(title, rows?.length ? h("table.plain", h("tbody", rows.map((row) =>
        h("tr", h("td.key", row.key),
            h("td.value", typeof row.value === "number" ? number(row.value, 7) : row.value)))))
                : h("p.faint", "None."));
    return h("div.split", h("div.stack", modelCards(store, uri, signal)), h("div.stack",
        card("About", facts([
            ["Created", dateTime(info.creation_timestamp_ms)],
                ["Status", String(info.status ?? "").replace("LOGGED_MODEL_", "").toLowerCase()],
            ["Type", info.model_type || null],
            info.source_run_id &&
                ["Source run", runLink(info.experiment_id, info.source_run_id, info.source_run_id.slice(0, 8))],
            ["Artifacts", h("span.mono", info.artifact_uri, copyButton(info.artifact_uri))],
        ])), table("Metrics", data.metrics), table("Parameters", data.params)));
}
