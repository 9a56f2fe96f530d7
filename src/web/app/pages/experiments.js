// All experiments with their numbers of runs; create, rename, delete, restore, remove for good.

import {chert, isNews, mlflow} from "../lib/api.js";
import {formDialog, confirmDialog, menu, reportError, toast} from "../lib/dialog.js";
import {debounce, fill, h, icon} from "../lib/dom.js";
import {ago, count, dateTime, plural} from "../lib/format.js";
import {heading, segments, TITLE_TAG} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {ListSource, PENDING, Selection, VirtualTable} from "../lib/table.js";

export default async function experimentsPage(page) {
    page.title("Experiments");
    const view = new ExperimentsView(page);
    view.draw();
    await view.load().catch(reportError);
    page.poll(15000, () => view.load());
}

class ExperimentsView {
    constructor(page) {
        this.page = page;
        this.experiments = [];
        this.memory = {}; // of the last answer
        this.stage = "active";
        this.words = "";
        this.order = {sort: "last", descending: true};
        this.selection = new Selection(() => this.shown.map((e) => [e.id, e]));
        this.shown = [];
    }

    draw() {
        const search = h("input",
            {type: "search", placeholder: "Search names and tags", "aria-label": "Search experiments",
            oninput: debounce(() => this.search(search.value), 80)});
        this.status = h("span.muted");
        this.selected = h("span");
        this.table = new VirtualTable(this.columns(), PENDING, {
            label: "Experiments", selection: this.selection, rowKey: (e) => e.id, order: this.order,
            empty: "No experiments match.",
            onOpen: (e) => { location.hash = link(["experiments", e.id]); },
            onSort: (column) => this.sort(column),
        });
        this.selection.addEventListener("change", () => this.drawSelected());
        fill(this.page.root, h("div.page.full",
            heading("Experiments", {actions: [
                h("button.primary", {onclick: () => this.create()}, icon("plus"), "New experiment"),
            ]}),
            h("div.toolbar", search,
                segments([["active", "Active"], ["deleted", "Deleted"]], this.stage, (stage) => {
                    this.stage = stage;
                    this.selection.clear();
                    this.show();
                }, "State"),
                this.status, h("span.grow"), this.selected),
            this.table.element));
    }

    columns() {
        const at = (ms) => h("span", {title: dateTime(ms)}, ms ? ago(ms) : "–");
        return [
            {key: "name", title: "Name", sort: "name", width: Math.min(340, innerWidth * 0.5), frozen: true,
                cell: (e) =>
                h("a", {href: link(["experiments", e.id])}, e.name)},
            {key: "runs", title: "Runs", sort: "runs", width: 90, numeric: true, cell: (e) => count(e.runs)},
            {key: "deleted", title: "Deleted", sort: "deletedRuns", width: 90, numeric: true,
                cell: (e) => e.deletedRuns ? count(e.deletedRuns) : ""},
            {key: "last", title: "Last run", sort: "last", width: 105, cell: (e) => at(e.last)},
            {key: "created", title: "Created", sort: "created", width: 105, cell: (e) => at(e.created)},
            {key: "note", title: "Description", width: 220, cell: (e) => e.note},
            {key: "id", title: "Id", sort: "idNumber", width: 110, cell: (e) => h("span.mono.faint", e.id)},
            {key: "tags", title: "Tags", width: 200, cell: (e) => e.tags.map((t) => `${t.key}: ${t.value}`).join(", ")},
            {key: "acts", title: "", width: 60,
                cell: (e) => h("button.bare.small", {"aria-label": `Actions for ${e.name}`,
                onclick: (event) => menu(event.currentTarget, this.actions(this.table.rowAt(event)))}, icon("menu"))},
        ];
    }

    async load() {
        const reply = await chert.get("experiments", {}, this.page.signal);
        if (!isNews(this.memory, reply)) return;
        this.experiments = (reply.experiments ?? []).map(experimentOfApi);
        this.show();
    }

    search(words) {
        this.words = words.toLowerCase();
        this.show();
    }

    sort(column) {
        const same = this.order.sort === column.sort;
        this.order = {sort: column.sort, descending: same ? !this.order.descending : column.sort !== "name"};
        this.table.setOrder(this.order);
        this.show();
    }

    show() {
        const words = this.words.split(/\s+/).filter(Boolean);
        const {sort, descending} = this.order;
        this.shown = this.experiments
            .filter((e) => e.stage === this.stage && words.every((word) => e.text.includes(word)))
            .sort((a, b) => compare(a[sort], b[sort]) * (descending ? -1 : 1) || b.idNumber - a.idNumber);
        const runs = this.shown.reduce((sum, e) => sum + e.runs, 0);
        this.status.textContent = `${plural(this.shown.length, "experiment")}, ${plural(runs, "run")}`;
        this.table.update(new ListSource(this.shown));
    }

    drawSelected() {
        const chosen = [...this.selection.chosen.values()];
        if (!chosen.length) return fill(this.selected);
        const act = this.stage === "active" ?
            [h("a.button", {href: link(["experiments", chosen.map((e) => e.id).join(",")])},
                `Show runs of ${chosen.length}`),
                h("button.danger", {onclick: () => this.remove(chosen)}, "Delete")] :
            [h("button", {onclick: () => this.restore(chosen)}, "Restore"),
                h("button.danger", {onclick: () => this.purge(chosen)}, "Delete permanently")];
        return fill(this.selected, h("span.toolbar", {style: {"margin-bottom": "0"}}, act));
    }

    actions(e) {
        if (e.stage === "deleted") {
            return [["Restore", () => this.restore([e])], ["Delete permanently", () => this.purge([e]), "danger"]];
        }
        return [["Rename", () => this.rename(e)], ["Delete", () => this.remove([e]), "danger"]];
    }

    async create() {
        let made;
        const done = await formDialog({title: "New experiment", action: "Create",
            fields: [{name: "name", label: "Name", required: true},
                {name: "location", label: "Artifact location", hint: "Empty: where the server keeps artifacts."}],
            submit: async ({name, location: place}) => {
                made = await mlflow.post("experiments/create", {name, ...(place && {artifact_location: place})});
            }});
        if (done) location.hash = link(["experiments", made.experiment_id]);
    }

    async rename(e) {
        await formDialog({title: "Rename experiment",
            fields: [{name: "name", label: "Name", value: e.name, required: true}],
            submit: ({name}) => mlflow.post("experiments/update", {experiment_id: e.id, new_name: name})});
        await this.changed();
    }

    async remove(list) {
        const runs = list.reduce((sum, e) => sum + e.runs, 0);
        await confirmDialog(`Delete ${nameOf(list)}?`, `${plural(runs, "run")} will be deleted, too. All stays under ` +
            "“Deleted” until it is restored or deleted permanently.", "Delete",
            () => each(list, (e) => mlflow.post("experiments/delete", {experiment_id: e.id})));
        await this.changed();
    }

    async restore(list) {
        try {
            await each(list, (e) => mlflow.post("experiments/restore", {experiment_id: e.id}));
            toast(`Restored ${plural(list.length, "experiment")}`);
        } catch (error) {
            reportError(error);
        }
        await this.changed();
    }

    async purge(list) {
        await confirmDialog(`Delete ${nameOf(list)} permanently?`,
            "All runs, metrics, models and artifacts go with it, and the name becomes free. This cannot be undone.",
            "Delete permanently", () => chert.post("gc", {experiment_ids: list.map((e) => e.id)}));
        await this.changed();
    }

    changed() {
        this.selection.clear();
        return this.load().catch(reportError);
    }
}

function experimentOfApi(e) {
    const tags = (e.tags ?? []).filter((tag) => !tag.key.startsWith("mlflow."));
    const note = (e.tags ?? []).find((tag) => tag.key === TITLE_TAG)?.value ?? "";
    return {
        id: e.experiment_id, idNumber: Number(e.experiment_id), name: e.name, stage: e.lifecycle_stage,
        runs: e.active_runs ?? 0, deletedRuns: e.deleted_runs ?? 0, last: e.last_run_time ?? 0,
            created: e.creation_time ?? 0,
        tags, note: note.trim().split("\n")[0],
        text: [e.name, note, ...tags.map((tag) => `${tag.key} ${tag.value}`)].join(" ").toLowerCase(),
    };
}

function nameOf(list) {
    return list.length === 1 ? `“${list[0].name}”` : plural(list.length, "experiment");
}

async function each(list, fn) {
    for (const item of list) await fn(item);
}

function compare(a, b) {
    return typeof a === "string" ? a.localeCompare(b) : a - b;
}
