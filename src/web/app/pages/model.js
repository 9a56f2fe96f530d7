// One registered model: its versions with stage and aliases, and moving them.

import {all, mlflow, whoami} from "../lib/api.js";
import {confirmDialog, formDialog, menu, reportError, toast} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {plural} from "../lib/format.js";
import {markdown} from "../lib/markdown.js";
import {aliasBadge, card, failed, heading, stageBadge, tagEditor, time, versionLink} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {askAlias, askStage, removeAlias} from "./model_promote.js";
import {tryBox} from "./model_try.js";
import {permissionsCard} from "./permissions.js";

export default async function modelPage(page, params) {
    const view = new ModelView(page, params.name);
    await view.load();
}

const VERSION_COLUMNS = ["", "Version", "Stage", "Aliases", "Created", "Source run", "Description", ""];

class ModelView {
    constructor(page, name) {
        this.page = page;
        this.name = name;
        this.ticked = new Set(); // versions
        page.title(name);
    }

    async load() {
        try {
            const [model, versions] = await Promise.all([
                mlflow.get("registered-models/get", {name: this.name}, this.page.signal),
                all((token) => mlflow.get("model-versions/search",
                    {filter: `name='${this.name.replaceAll("'", "\\'")}'`, max_results: 500,
                    page_token: token}, this.page.signal), "model_versions"),
            ]);
            this.model = model.registered_model;
            this.versions = versions.sort((a, b) => Number(b.version) - Number(a.version));
            this.draw();
            this.drawCompare();
        } catch (error) {
            if (error.name !== "AbortError") fill(this.page.root, h("div.page", failed(error)));
        }
    }

    draw() {
        const {model, versions} = this;
        fill(this.page.root, h("div.page",
            heading(model.name, {crumbs: [["Models", "#/models"]],
                beside: [h("span.muted", plural(versions.length, "version"))],
                actions: [this.compareSlot = h("span.contents"), this.menuButton()]}),
            model.description && h("div.under-heading", markdown(model.description)),
            h("div.stack",
                versions.length ? this.versionTable()
                    : h("div.empty", "No versions yet. Register one from a run's Model tab, or:",
                    h("br"), h("pre", `mlflow.register_model("runs:/RUN_ID/model", "${model.name}")`)),
                versions.length > 0 && this.tryCard(),
                card("Tags", tagEditor(model.tags ?? [], {
                    ask: (tag) => this.askTag(tag),
                    remove: (key) => this.change(() => mlflow.delete("registered-models/delete-tag",
                        {name: this.name, key})),
                })), this.accessCard())));
    }

    accessCard() {
        const slot = h("div.contents");
        whoami().then((me) => me.auth && slot.append(permissionsCard("registered_model", this.name, this.page.signal)));
        return slot;
    }

    menuButton() {
        const rows = [["Rename", () => this.rename()], ["Edit the description", () => this.describe()],
            ["Delete", () => this.remove(), "danger"]];
        return h("button", {"aria-label": "More", "aria-haspopup": "menu",
            onclick: (event) => menu(event.currentTarget, rows)}, icon("menu"));
    }

    aliasesOf(version) {
        return (this.model.aliases ?? []).filter((a) => a.version === version.version).map((a) => a.alias);
    }

    versionTable() {
        const again = () => this.load();
        return h("div.table-wrap", h("table.plain.card-table",
            h("thead", h("tr", VERSION_COLUMNS.map((title) => h("th", title)))),
            h("tbody", this.versions.map((v) => h("tr",
                h("td.tick-cell", h("input", {type: "checkbox", "aria-label": `Select version ${v.version}`,
                    checked: this.ticked.has(v.version), onchange: (event) => this.tick(v, event.target.checked)})),
                h("td", versionLink(this.name, v.version, `Version ${v.version}`)),
                h("td.nowrap", h("span.badges", stageBadge(v.current_stage) ?? h("span.faint", "None"),
                    h("button.small.bare", {"aria-label": `Change the stage of version ${v.version}`,
                        onclick: () => askStage(v, this.versions).then(again)}, icon("edit")))),
                h("td", h("span.badges", this.aliasesOf(v).map((alias) => h("span", aliasBadge(alias),
                    h("button.copy", {"aria-label": `Remove alias ${alias}`,
                        onclick: () => removeAlias(v, alias).then(again)}, icon("close")))),
                h("button.small.bare",
                    {"aria-label": `Add an alias to version ${v.version}`, onclick: () => askAlias(v).then(again)},
                    icon("plus")))),
                h("td.nowrap", time(v.creation_timestamp)),
                h("td", v.run_id ? h("a.mono", {href: link(["runs", v.run_id])}, v.run_id.slice(0, 8)) : ""),
                h("td.value", v.description ?? ""),
                h("td.acts", h("button.small.bare",
                    {"aria-label": `Delete version ${v.version}`, onclick: () => this.removeVersion(v)},
                        icon("trash"))))))));
    }

    tick(v, on) {
        if (on) this.ticked.add(v.version);
        else this.ticked.delete(v.version);
        this.drawCompare();
    }

    /** Versions are compared by the runs they come from. */
    drawCompare() {
        const chosen = this.versions.map((v) => v.version).filter((version) => this.ticked.has(version));
        fill(this.compareSlot, chosen.length > 1 &&
            h("a.button", {href: link(["models", this.name, "compare"], {versions: chosen.join(",")})},
                `Compare ${chosen.length} versions`));
    }

    tryCard() {
        const names = [...(this.model.aliases ?? []).map((a) => [a.alias, `@${a.alias}`]),
            ...["Production", "Staging"].filter((stage) => this.versions.some((v) => v.current_stage === stage))
                .map((s) => [s, s]),
            ...this.versions.map((v) => [v.version, `version ${v.version}`])];
        return tryBox(this.name, names, (which) => this.versionOf(which), this.page.signal);
    }

    versionOf(which) {
        const alias = (this.model.aliases ?? []).find((a) => a.alias === which);
        return this.versions.find((v) => v.version === (alias?.version ?? which)) ??
            this.versions.find((v) => v.current_stage === which);
    }

    async change(action) {
        try {
            await action();
        } catch (error) {
            reportError(error);
        }
        await this.load();
    }

    async askTag(tag) {
        if (await formDialog({title: tag ? `Tag ${tag.key}` : "Add tag", fields: [
            ...(tag ? [] : [{name: "key", label: "Name", required: true}]),
                {name: "value", label: "Value", value: tag?.value}],
        submit: (v) => mlflow.post("registered-models/set-tag",
            {name: this.name, key: tag?.key ?? v.key, value: v.value})})) await this.load();
    }

    async rename() {
        let name;
        if (await formDialog({title: "Rename model",
            fields: [{name: "name", label: "Name", value: this.name, required: true}],
            submit: async (values) => {
                name = values.name;
                await mlflow.post("registered-models/rename", {name: this.name, new_name: name});
            }})) location.hash = link(["models", name]);
    }

    async describe() {
        if (await formDialog({title: "Description",
            fields: [{name: "text", label: "Markdown", type: "textarea", value: this.model.description}],
            submit: ({text}) => mlflow.patch("registered-models/update",
                {name: this.name, description: text})})) await this.load();
    }

    async remove() {
        if (await confirmDialog(`Delete “${this.name}”?`,
            `${plural(this.versions.length, "version")} will be deleted with it.`, "Delete",
            () => mlflow.delete("registered-models/delete", {name: this.name}))) location.hash = "#/models";
    }

    async removeVersion(v) {
        if (await confirmDialog(`Delete version ${v.version}?`, "Requests for it will be refused.", "Delete",
            () => mlflow.delete("model-versions/delete", {name: this.name, version: v.version}))) {
            toast(`Deleted version ${v.version}`);
            await this.load();
        }
    }
}
