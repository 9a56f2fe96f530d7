// The models a run logged, and registering them.

import {mlflow} from "../lib/api.js";
import {Below, LoggedModelArtifacts, RunArtifacts} from "../lib/artifacts.js";
import {formDialog, toast} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {copyButton} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {modelCards} from "./model_view.js";

export default function drawModels(view, root) {
    const models = modelsOf(view);
    if (!models.length) fill(root, h("p.empty", "This run logged no model."));
    else fill(root, models.map((model) => drawModel(view, model)));
    return {};
}

/** {name, uri, source, store, modelId} of everything that was logged, by either way of MLflow. */
export function modelsOf(view) {
    const found = new Map();
    for (const entry of historyOf(view.run)) {
        const uri = `runs:/${view.id}/${entry.artifact_path}`;
        found.set(entry.artifact_path,
            {name: entry.artifact_path, uri, source: `${view.data.info.artifact_uri}/${entry.artifact_path}`,
            store: new Below(new RunArtifacts(view.id), entry.artifact_path)});
    }
    for (const {model_id: id} of view.data.outputs?.model_outputs ?? []) {
        found.set(id, {name: id, uri: `models:/${id}`, source: `models:/${id}`, store: new LoggedModelArtifacts(id),
            modelId: id});
    }
    return [...found.values()];
}

function historyOf(run) {
    try {
        return JSON.parse(run.tag("mlflow.log-model.history") ?? "[]");
    } catch {
        return [];
    }
}

function drawModel(view, model) {
    return h("section.stack",
        h("div.heading", h("h2", model.name), h("span.mono.faint.clip", model.uri, copyButton(model.uri)),
        h("div.actions", h("button.primary", {onclick: () => register(model, view.id)}, "Register model"))),
    modelCards(model.store, model.uri, view.page.signal));
}

/** Makes a version of a registered model, and the model when it is new. */
export async function register(model, runId) {
    const known = await mlflow.get("registered-models/search", {max_results: 200}).catch(() => ({}));
    const names = (known.registered_models ?? []).map((one) => one.name);
    let version;
    const done = await formDialog({title: "Register model", action: "Register", fields: [
        {name: "name", label: "Model", required: true, value: names.length === 1 ? names[0] : "",
            hint: names.length ? `There are: ${names.slice(0, 8).join(", ")}` : "A new name makes a new model."},
    ], submit: async ({name}) => {
        if (!names.includes(name)) await mlflow.post("registered-models/create", {name}).catch(ignoreExisting);
        const reply = await mlflow.post("model-versions/create",
            {name, source: model.source, run_id: runId, model_id: model.modelId});
        version = reply.model_version;
    }});
    if (!done) return;
    toast(`Registered ${version.name} version ${version.version}`);
    location.hash = link(["models", version.name, "versions", version.version]);
}

function ignoreExisting(error) {
    if (error.code !== "RESOURCE_ALREADY_EXISTS") throw error;
}
