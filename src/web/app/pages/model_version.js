// One version of a registered model: where it comes from, its schema and stages, its files, trying it.

import {mlflow} from "../lib/api.js";
import {storeOfVersion} from "../lib/artifacts.js";
import {formDialog, reportError} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {dateTime} from "../lib/format.js";
import {markdown} from "../lib/markdown.js";
import {aliasBadge, card, copyButton, facts, failed, heading, stageBadge, tagEditor} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {artifactBrowser} from "./artifact_browser.js";
import {askAlias, askStage, removeAlias} from "./model_promote.js";
import {tryBox} from "./model_try.js";
import {modelCards} from "./model_view.js";

export default async function modelVersionPage(page, {name, version}) {
    page.title(`${name} version ${version}`);
    const load = async () => {
        try {
            const reply = await mlflow.get("model-versions/get", {name, version}, page.signal);
            draw(page, reply.model_version, load);
        } catch (error) {
            if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
        }
    };
    await load();
}

function draw(page, version, again) {
    const {name} = version;
    const store = storeOfVersion(version);
    const uri = `models:/${name}/${version.version}`;
    const missing = h("div.notice", "The files of this version are not in this server's artifact store: ",
        h("span.mono", version.source ?? ""));
    fill(page.root, h("div.page",
        heading(`Version ${version.version}`, {crumbs: [["Models", "#/models"], [name, link(["models", name])]],
            beside: [stageBadge(version.current_stage), (version.aliases ?? []).map((alias) =>
                h("span.nowrap", aliasBadge(alias),
                h("button.copy", {"aria-label": `Remove alias ${alias}`,
                    onclick: () => removeAlias(version, alias).then(again)}, icon("close"))))],
            actions: [h("button", {onclick: () => askAlias(version).then(again)}, "Set alias"),
                h("button.primary", {onclick: () => askStage(version, []).then(again)}, "Promote")]}),
        h("div.split",
            h("div.stack", store ? modelCards(store, uri, page.signal) : missing,
                tryBox(name, [[version.version, version.version]], () => version, page.signal),
                store && h("section", h("h2", {style: {margin: "4px 0 8px"}}, "Files"),
                    artifactBrowser(store, {signal: page.signal, root: version.source}))),
            h("div.stack", aboutCard(version, uri, again), tagsCard(version, again)))));
}

function aboutCard(version, uri, again) {
    return card("About", facts([
        ["Created", dateTime(version.creation_timestamp)], ["Changed", dateTime(version.last_updated_timestamp)],
        ["Status", String(version.status ?? "").toLowerCase()],
        version.run_id && ["Source run",
            h("a.mono", {href: link(["runs", version.run_id])}, version.run_id.slice(0, 8))],
        ["Address", h("span.mono", uri, copyButton(uri))],
        ["Source", h("span.mono", version.source ?? "–")],
        ["Description", h("span", version.description ? markdown(version.description) : h("span.faint", "none"), " ",
            h("button.copy", {"aria-label": "Edit the description",
            onclick: () => describe(version).then(again)}, icon("edit")))],
    ]));
}

function describe(version) {
    return formDialog({title: "Description",
        fields: [{name: "text", label: "Text", type: "textarea", value: version.description}],
        submit: ({text}) => mlflow.patch("model-versions/update",
            {name: version.name, version: version.version, description: text})});
}

function tagsCard(version, again) {
    const {name, version: number} = version;
    const ask = (tag) => formDialog({title: tag ? `Tag ${tag.key}` : "Add tag", fields: [
        ...(tag ? [] : [{name: "key", label: "Name", required: true}]),
            {name: "value", label: "Value", value: tag?.value}],
    submit: (v) => mlflow.post("model-versions/set-tag",
        {name, version: number, key: tag?.key ?? v.key, value: v.value})}).then(again);
    return card("Tags", tagEditor(version.tags ?? [], {ask,
        remove: (key) => mlflow.delete("model-versions/delete-tag", {name, version: number, key}).catch(reportError)
            .then(again)}));
}
