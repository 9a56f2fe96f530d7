// A run at a glance: facts, params and metrics side by side, tags, data sets, models.

import {mlflow} from "../lib/api.js";
import {formDialog, reportError} from "../lib/dialog.js";
import {fill, h, icon, refill} from "../lib/dom.js";
import {dateTime, duration, number, plural} from "../lib/format.js";
import {markdown} from "../lib/markdown.js";
import {
    breakable, card, copyButton, facts, runLink, stageBadge, tagEditor, time, TITLE_TAG, versionLink,
} from "../lib/parts.js";
import {link} from "../lib/router.js";

export default function drawOverview(view, root) {
    const content = new Overview(view, root);
    content.draw();
    content.loadRelated();
    return content;
}

class Overview {
    constructor(view, root) {
        this.view = view;
        this.root = root;
        this.related = h("div.stack");
        this.related.isOwn = true; // filled by loadRelated, whatever is drawn anew around it
        this.words = {}; // title of a list → what is looked for in it
    }

    update() {
        this.draw();
    }

    draw() {
        const {data = {}} = this.view.data;
        const metrics = (data.metrics ?? []).map((m) => [m.key, m]).sort((a, b) => a[0].localeCompare(b[0]));
        const params = (data.params ?? []).map((p) => [p.key, p.value]).sort((a, b) => a[0].localeCompare(b[0]));
        refill(this.root, h("div.split",
            h("div.stack",
                this.note(),
                h("div.cards",
                    this.listCard("Metrics", metrics, (name, m) => [
                        h("td.key", h("a", {href: this.view.address("metrics")}, breakable(name))),
                        h("td.numeric", {title: String(m.value)}, number(m.value, 7)),
                        h("td.numeric.faint", m.step ? `step ${m.step}` : "")]),
                    this.listCard("Parameters", params, (name, value) => [
                        h("td.key", breakable(name)), h("td.value", value)]))),
            h("div.stack", this.about(), this.tags(), this.related)));
    }

    note() {
        const text = this.view.run.tag(TITLE_TAG);
        const edit = h("button.small.bare", {onclick: () => this.editNote(text)}, icon("edit"),
            text ? "Edit" : "Add a description");
        return text ? card(h("header", h("h2", "Description"), h("span.grow"), edit), markdown(text))
            : h("div", edit);
    }

    async editNote(text) {
        const done = await formDialog({title: "Description",
            fields: [{name: "text", label: "Markdown", type: "textarea", value: text}],
            submit: (values) => this.setTag(TITLE_TAG, values.text)});
        if (done) await this.view.reload();
    }

    setTag(key, value) {
        return mlflow.post("runs/set-tag", {run_id: this.view.id, key, value});
    }

    about() {
        const {run, data} = this.view;
        const source = run.tag("mlflow.source.name");
        const commit = run.tag("mlflow.source.git.commit");
        const parent = run.parent;
        return card("About", facts([
            ["Started", dateTime(run.start)],
            ["Ended", run.end ? dateTime(run.end) : "–"],
            ["Duration", duration(run.end ? run.duration : Date.now() - run.start)],
            ["User", run.user || null],
            ["Experiment", h("a", {href: link(["experiments", run.experiment])},
                this.view.experimentName ?? run.experiment)],
            parent && ["Parent run", runLink(run.experiment, parent, parent.slice(0, 8))],
            source && ["Source", h("span", source)],
            commit && ["Commit", h("span.mono", commit.slice(0, 10))],
            ["Run id", h("span.mono", run.id, copyButton(run.id))],
            ["Artifacts", h("span.mono", data.info.artifact_uri, copyButton(data.info.artifact_uri))],
        ]));
    }

    tags() {
        const tags = this.view.data.data?.tags ?? [];
        return card("Tags", tagEditor(tags, {
            ask: (tag) => this.askTag(tag),
            remove: (key) => this.change(() => mlflow.post("runs/delete-tag", {run_id: this.view.id, key})),
        }));
    }

    async askTag(tag) {
        const done = await formDialog({title: tag ? `Tag ${tag.key}` : "Add tag", fields: [
            ...(tag ? [] : [{name: "key", label: "Name", required: true}]),
            {name: "value", label: "Value", value: tag?.value},
        ], submit: (values) => this.setTag(tag?.key ?? values.key, values.value)});
        if (done) await this.view.reload();
    }

    async change(action) {
        try {
            await action();
            await this.view.reload();
        } catch (error) {
            reportError(error);
        }
    }

    /** Data sets, child runs and registered versions, once they are known. */
    async loadRelated() {
        const {view} = this;
        const inputs = view.data.inputs?.dataset_inputs ?? [];
        const parts = [inputs.length > 0 && card("Data sets", inputs.map(drawDataset))];
        const here = {type: "MLFLOW_EXPERIMENT", mlflow_experiment: {experiment_id: view.experiment}};
        const traceFilter = `trace.run_id = '${view.id}'`;
        const [versions, children, traces] = await Promise.allSettled([
            mlflow.get("model-versions/search", {filter: `run_id = '${view.id}'`, max_results: 100}, view.page.signal),
            mlflow.post("runs/search", {experiment_ids: [view.experiment], max_results: 100,
                filter: `tags.\`mlflow.parentRunId\` = '${view.id}'`}, view.page.signal),
            mlflow.post("traces/search", {locations: [here], filter: traceFilter, max_results: 100}, view.page.signal),
        ]);
        const registered = versions.value?.model_versions ?? [];
        const below = children.value?.runs ?? [];
        if (registered.length) {
            parts.push(card("Registered models", registered.map((v) =>
                h("div", versionLink(v.name, v.version), " ", stageBadge(v.current_stage)))));
        }
        if (below.length) {
            parts.push(card("Child runs", h("ul.plain", below.map(({info}) =>
                h("li", runLink(info.experiment_id, info.run_id, info.run_name), " ",
                    h("span.faint", time(info.start_time)))))));
        }
        const logged = traces.value?.traces ?? [];
        if (logged.length) {
            const count = traces.value.next_page_token ? "More than 100 traces" : plural(logged.length, "trace");
            parts.push(card("Traces", h("a", {href: link(["experiments", view.experiment, "traces"],
                {filter: traceFilter})}, count)));
        }
        fill(this.related, parts);
    }

    /** A card with a table of names and values, and a search box when there are many. */
    listCard(title, rows, cells) {
        const words = this.words[title] ?? "";
        const shown = rows.filter(([name]) => name.toLowerCase().includes(words));
        const search = rows.length > 10 && h("input", {type: "search", value: words, placeholder: "Search",
            "aria-label": `Search ${title.toLowerCase()}`, oninput: (event) => {
                this.words[title] = event.target.value.toLowerCase();
                this.draw();
            }});
        return card(h("header", h("h2", title), h("span.n", rows.length), search),
            rows.length ? h("div.table-wrap", h("table.plain", h("tbody", shown.map(([name, value]) =>
                h("tr", cells(name, value)))))) : h("p.faint", "None logged."));
    }
}

function drawDataset({dataset, tags}) {
    const context = (tags ?? []).find((tag) => tag.key === "mlflow.data.context")?.value;
    const profile = parseOrNull(dataset.profile);
    const schema = parseOrNull(dataset.schema);
    const columns = schema?.mlflow_colspec?.length;
    return h("div", h("strong", dataset.name), " ", context && h("span.badge", context), h("p.muted",
        [dataset.source_type, profile?.num_rows !== undefined && `${profile.num_rows} rows`,
            columns && `${columns} columns`,
            `digest ${dataset.digest}`].filter(Boolean).join(", ")));
}

function parseOrNull(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}
