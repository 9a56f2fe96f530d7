// The head of all pages of an experiment: its name, description and tags, and the tabs: runs, logged models, traces,
// who may use it.

import {mlflow, whoami} from "../lib/api.js";
import {formDialog, menu, reportError} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {plural} from "../lib/format.js";
import {copyButton, heading, tabs, tagEditor, TITLE_TAG} from "../lib/parts.js";
import {link} from "../lib/router.js";

const TITLES = {runs: "Runs", models: "Logged models", traces: "Traces", access: "Access"};

export class ExperimentHead {
    /** `experiments`: ids; `current`: the tab. */
    constructor(page, experiments, current) {
        this.page = page;
        this.experiments = experiments;
        this.current = current;
        this.known = new Map(); // id → experiment
        this.top = h("div");
        this.below = h("div");
        this.element = h("div", this.top, this.below, this.tabs());
        this.draw();
    }

    name(id) {
        return this.known.get(id)?.name ?? id;
    }

    /** Asks for the experiments; `told` is called when they are known. */
    async load(told = () => {}) {
        try {
            await Promise.all(this.experiments.map(async (id) => {
                const reply = await mlflow.get("experiments/get", {experiment_id: id}, this.page.signal);
                this.known.set(id, reply.experiment);
            }));
            this.draw();
            told();
        } catch (error) {
            reportError(error);
        }
    }

    tabs() {
        const address = this.experiments.join(",");
        const rows = (withAccess) => tabs(Object.entries(TITLES).filter(([key]) => key !== "access" || withAccess)
            .map(([key, title]) => [key, title, link(key === "runs" ? ["experiments", address]
                : ["experiments", address, key])]), this.current);
        const element = rows(this.current === "access");
        if (this.experiments.length === 1) {
            whoami().then((me) => me.auth && this.current !== "access" && element.replaceWith(rows(true)));
        }
        return element;
    }

    draw() {
        const one = this.experiments.length === 1;
        const [id] = this.experiments;
        const experiment = this.known.get(id);
        const title = one ? experiment?.name ?? `Experiment ${id}` : plural(this.experiments.length, "experiment");
        this.page.title(this.current === "runs" ? title : `${TITLES[this.current]} · ${title}`);
        const beside = one ? [h("span.faint.mono", `id ${id}`), copyButton(id, "Copy the id"),
            experiment?.lifecycle_stage === "deleted" && h("span.badge.bad", "deleted")] :
            [h("span.muted.clip", this.experiments.map((each) => this.name(each)).join(", "))];
        const more = one && h("button", {"aria-label": "More", "aria-haspopup": "menu",
            onclick: (event) => menu(event.currentTarget, [
                ["Edit the description", () => this.describe()], ["Add a tag", () => this.askTag(null)],
                ["Rename", () => this.rename()]])}, icon("menu"));
        fill(this.top, heading(title, {crumbs: [["Experiments", "#/experiments"]], beside, actions: [more]}));
        this.drawBelow(experiment);
    }

    /** The first line of the description and the tags; the whole description on demand. */
    drawBelow(experiment) {
        const tags = experiment?.tags ?? [];
        const note = tags.find((tag) => tag.key === TITLE_TAG)?.value;
        const own = tags.some((tag) => !tag.key.startsWith("mlflow."));
        fill(this.below, note && this.note(note), own && h("div.under-heading", tagEditor(tags, {
            ask: (tag) => this.askTag(tag),
            remove: (key) => this.change(() => mlflow.post("experiments/delete-experiment-tag",
                {experiment_id: this.experiments[0], key})),
        })));
    }

    note(text) {
        const first = text.trim().split("\n")[0].replace(/^#+\s*/, "");
        const body = h("div");
        return h("details.note-box.under-heading", {ontoggle: async (event) => {
            if (!event.target.open || body.firstChild) return;
            const {markdown} = await import("../lib/markdown.js");
            fill(body, markdown(text));
        }}, h("summary.muted", h("span.clip", first)), body);
    }

    async describe() {
        const [id] = this.experiments;
        const value = this.known.get(id)?.tags?.find((tag) => tag.key === TITLE_TAG)?.value;
        if (await formDialog({title: "Description",
            fields: [{name: "text", label: "Markdown", type: "textarea", value}],
            submit: ({text}) => this.setTag(TITLE_TAG, text)})) await this.load();
    }

    async askTag(tag) {
        if (await formDialog({title: tag ? `Tag ${tag.key}` : "Add tag", fields: [
            ...(tag ? [] : [{name: "key", label: "Name", required: true}]),
            {name: "value", label: "Value", value: tag?.value}],
        submit: (values) => this.setTag(tag?.key ?? values.key, values.value)})) await this.load();
    }

    async rename() {
        const [id] = this.experiments;
        if (await formDialog({title: "Rename experiment",
            fields: [{name: "name", label: "Name", value: this.name(id), required: true}],
            submit: ({name}) => mlflow.post("experiments/update", {experiment_id: id, new_name: name})})) {
            await this.load();
        }
    }

    setTag(key, value) {
        return mlflow.post("experiments/set-experiment-tag", {experiment_id: this.experiments[0], key, value});
    }

    async change(action) {
        try {
            await action();
        } catch (error) {
            reportError(error);
        }
        await this.load();
    }
}
