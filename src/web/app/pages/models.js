// All registered models, with the stage and the alias of each version in sight.

import {all, isNews, mlflow} from "../lib/api.js";
import {formDialog} from "../lib/dialog.js";
import {debounce, fill, h, icon} from "../lib/dom.js";
import {ago, dateTime, plural} from "../lib/format.js";
import {aliasBadge, failed, heading, stageBadge} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {ListSource, PENDING, VirtualTable} from "../lib/table.js";

const NOT_PROMPTS = "tag.`mlflow.prompt.is_prompt` != 'true'";

export default async function modelsPage(page) {
    page.title("Models");
    let models = [];
    const memory = {};
    let order = {sort: "changed", descending: true};
    const status = h("span.muted");
    const search = h("input",
        {type: "search", placeholder: "Search names, tags, aliases", "aria-label": "Search models",
        oninput: debounce(show, 80)});
    const table = new VirtualTable(COLUMNS, PENDING,
        {label: "Registered models", empty: "No registered models.", rowKey: (m) => m.name, order, onSort: sort,
        onOpen: (m) => { location.hash = link(["models", m.name]); }});
    fill(page.root, h("div.page.full",
        heading("Registered models", {actions: [h("button.primary", {onclick: create}, icon("plus"), "New model")]}),
        h("div.toolbar", search, status), table.element));

    function show() {
        const words = search.value.toLowerCase().split(/\s+/);
        const shown = models.filter((m) => words.every((word) => textOf(m).includes(word)));
        const value = SORTS[order.sort];
        shown.sort((a, b) => compare(value(a), value(b)) * (order.descending ? -1 : 1));
        status.textContent = plural(shown.length, "model");
        table.update(new ListSource(shown));
    }

    function sort(column) {
        const same = order.sort === column.sort;
        order = {sort: column.sort, descending: same ? !order.descending : column.sort !== "name"};
        table.setOrder(order);
        show();
    }

    async function load() {
        models = await all((token) => mlflow.get("registered-models/search",
            {filter: NOT_PROMPTS, max_results: 200, page_token: token}, page.signal), "registered_models");
        if (isNews(memory, models)) show();
    }
    try {
        await load();
    } catch (error) {
        if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
        return;
    }
    page.poll(15000, load);
}

const latestOf = (m) => Math.max(0, ...(m.latest_versions ?? []).map((v) => Number(v.version)));

const SORTS = {name: (m) => m.name, latest: latestOf, changed: (m) => m.last_updated_timestamp ?? 0};

function compare(a, b) {
    return typeof a === "string" ? a.localeCompare(b) : a - b;
}

function textOf(m) {
    const tags = (m.tags ?? []).map((tag) => `${tag.key} ${tag.value}`);
    const aliases = (m.aliases ?? []).map((a) => a.alias);
    return [m.name, m.description, ...tags, ...aliases].join(" ").toLowerCase();
}

const COLUMNS = [
    {key: "name", title: "Model", sort: "name", frozen: true, width: Math.min(260, innerWidth * 0.42),
        cell: (m) => h("a", {href: link(["models", m.name])}, m.name)},
    {key: "latest", title: "Latest", sort: "latest", width: 80, cell: (m) => {
        const latest = latestOf(m);
        return latest ? h("a", {href: link(["models", m.name, "versions", latest])}, `v${latest}`)
            : h("span.faint", "–");
    }},
    {key: "stages", title: "Stages", width: 260, cell: (m) => h("span.badges", (m.latest_versions ?? [])
        .filter((v) => v.current_stage && v.current_stage !== "None").map((v) =>
            h("a", {href: link(["models", m.name, "versions", v.version])}, stageBadge(v.current_stage),
                ` v${v.version} `)))},
    {key: "aliases", title: "Aliases", width: 260, cell: (m) => h("span.badges", (m.aliases ?? []).map((a) =>
        h("a", {href: link(["models", m.name, "versions", a.version])}, aliasBadge(a.alias), ` v${a.version} `)))},
    {key: "changed", title: "Changed", sort: "changed", width: 110,
        cell: (m) => h("span", {title: dateTime(m.last_updated_timestamp)}, ago(m.last_updated_timestamp))},
    {key: "description", title: "Description", width: 320, cell: (m) => m.description ?? ""},
    {key: "tags", title: "Tags", width: 220, cell: (m) => (m.tags ?? []).map((t) => `${t.key}: ${t.value}`).join(", ")},
];

async function create() {
    let made;
    const done = await formDialog({title: "New model", action: "Create",
        fields: [{name: "name", label: "Name", required: true},
        {name: "description", label: "Description", type: "textarea"}],
    submit: async (values) => {
        made = values.name;
        await mlflow.post("registered-models/create", values);
    }});
    if (done) location.hash = link(["models", made]);
}
