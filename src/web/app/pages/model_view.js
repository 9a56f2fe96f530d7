// What a saved model is: its signature, its stages with their params, what they weigh, how to load it. Shared by runs,
// logged models and registered versions.

import {address} from "../lib/api.js";
import {fill, h} from "../lib/dom.js";
import {shortClass} from "../lib/format.js";
import {card, copyButton, failed} from "../lib/parts.js";
import {parseYaml} from "../lib/yaml.js";
import {stageCards} from "./model_parts.js";

/** The MLmodel file as an object, with `signature` = {inputs, outputs} as lists of {name, type, required}. */
export async function readModelFile(store, signal) {
    const file = parseYaml(await store.text("MLmodel", signal));
    const side = (text) => {
        try {
            return JSON.parse(text ?? "[]").map((column) => ({
                name: column.name ?? "", type: column["tensor-spec"] ? `tensor ${column["tensor-spec"].dtype}`
                    : typeName(column),
                required: column.required !== false && !column.optional,
            }));
        } catch {
            return [];
        }
    };
    return {...file, signature: file.signature
        ? {inputs: side(file.signature.inputs), outputs: side(file.signature.outputs)} : null};
}

function typeName(column) {
    if (column.type === "array") return `array of ${typeName(column.items ?? {})}`;
    return String(column.type ?? "");
}

/** Cards about the model in `store`; `uri` is how clients load it ("runs:/…", "models:/…"). */
export function modelCards(store, uri, signal) {
    const root = h("div.stack", h("p.faint", "Loading…"));
    (async () => {
        try {
            const file = await readModelFile(store, signal);
            const schema = signatureCard(file);
            fill(root, [h("div.cards", schema, aboutCard(file, uri)), await sparkCards(store, file, schema, signal)]);
        } catch (error) {
            if (error.name !== "AbortError") fill(root, failed(error));
        }
    })();
    return root;
}

function signatureCard({signature}) {
    if (!signature) return card("Schema", h("p.muted", "The model was logged without a signature."));
    return card("Schema", columnTable("Inputs", signature.inputs), columnTable("Outputs", signature.outputs));
}

function columnTable(title, columns) {
    if (!columns.length) return null;
    return h("table.plain", h("thead", h("tr", h("th", title), h("th", "Type"))),
        h("tbody", columns.map((column) => h("tr",
            h("td.key", column.name || "–", column.required === false && h("span.faint", " optional")),
            h("td.mono", column.type)))));
}

function aboutCard(file, uri) {
    const flavors = Object.keys(file.flavors ?? {});
    const code = [
        flavors.includes("spark") ? `mlflow.spark.load_model("${uri}")` : null,
        flavors.includes("python_function") ? `mlflow.pyfunc.load_model("${uri}")` : null,
    ].filter(Boolean);
    return card("Use", h("p", flavors.map((name) => [h("span.badge", name), " "])),
        code.map((line) => h("pre.code.wrap", line, " ", copyButton(`import mlflow\nmodel = ${line}`))),
        file.utc_time_created &&
            h("p.faint", {style: {"margin-top": "8px"}},
                `Logged ${file.utc_time_created} UTC with MLflow ${file.mlflow_version ?? "?"}`));
}

// ---- the stages of a Spark pipeline

async function sparkCards(store, file, schema, signal) {
    const folder = file.flavors?.spark?.model_data;
    if (!folder) return null;
    const stages = await readStages(store, folder, signal);
    const learned = h("div.stack", h("p.faint", "Reading the model…"));
    drawDescription(learned, file.signature ? null : schema, store, signal);
    return [
        card(`Stages (${stages.length})`,
            h("div.stages", stages.map((stage, i) => [i > 0 && h("span.arrow-right", "→"), stageBox(stage)])),
            h("div", {style: {"margin-top": "10px"}}, stages.map(stageParams))),
        learned,
    ];
}

async function readMetadata(store, folder, signal) {
    const files = await store.list(`${folder}/metadata`, signal);
    const part = files.find((file) => /(^|\/)part-/.test(file.path));
    if (!part) throw new Error(`${folder} holds no metadata`);
    return JSON.parse(await store.text(part.path, signal));
}

/** The metadata of each stage; nested pipelines are opened up. */
async function readStages(store, folder, signal) {
    const metadata = await readMetadata(store, folder, signal);
    const uids = metadata.paramMap?.stageUids;
    if (!uids) return [metadata];
    const entries = await store.list(`${folder}/stages`, signal);
    const folders = uids.map((uid) => entries.find((entry) => entry.path.endsWith(`_${uid}`))?.path).filter(Boolean);
    return (await Promise.all(folders.map((inner) => readStages(store, inner, signal)))).flat();
}

function stageBox(stage) {
    const {paramMap = {}, defaultParamMap = {}} = stage;
    const columns = (all) => ({
        from: all.inputCols?.join(", ") ?? all.inputCol ?? all.featuresCol,
        into: all.outputCols?.join(", ") ?? all.outputCol ?? all.predictionCol,
    });
    // What was set counts more: a stage of several columns has a default name for a single one, too.
    const [set, otherwise] = [columns(paramMap), columns(defaultParamMap)];
    const [from, into] = [set.from ?? otherwise.from, set.into ?? otherwise.into];
    return h("div.stage", {class: /Model$/.test(stage.class) ? "model" : ""}, h("strong", shortClass(stage.class)),
        h("span.muted", [from, into].filter(Boolean).join(" → ")));
}

function stageParams(stage) {
    const {paramMap = {}, defaultParamMap = {}} = stage;
    const names = [...new Set([...Object.keys(paramMap), ...Object.keys(defaultParamMap)])].sort();
    const set = names.filter((name) => name in paramMap);
    return h("details.stage-params",
        h("summary", h("strong", shortClass(stage.class)), " ", h("span.faint", set.map((name) =>
        `${name} = ${text(paramMap[name])}`).join(", ").slice(0, 160))),
    h("table.plain", h("tbody",
        names.map((name) => h("tr", h("td.key", name), h("td.value", text(paramMap[name] ?? defaultParamMap[name])),
        h("td.faint", name in paramMap ? "set" : "default"))))));
}

function text(value) {
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * What the engine reads out of the saved model: what its stages learned into `root`, the columns it wants into `schema`
 * where no signature tells them.
 */
async function drawDescription(root, schema, store, signal) {
    try {
        const {inputs = [], stages = []} = await store.describe("", signal);
        schema?.append(columnTable("Its stages want", inputs) ?? "");
        fill(root, stages.toReversed().flatMap(stageCards)); // the last stage is what the model is about
    } catch (error) {
        if (error.name !== "AbortError") fill(root, failed(error));
    }
}

/** A request of one row of these columns ({name, type}): what the box for trying a model starts with. */
export function exampleRequest(columns) {
    const value = (type) => ({string: "text", boolean: true, double: 1.5, float: 1.5, vector: [0.5, 1.5],
        datetime: "2026-01-01 00:00:00"})[type] ?? 1;
    const row = Object.fromEntries(columns.map((column) => [column.name, value(column.type)]));
    return JSON.stringify({dataframe_records: [row]}, null, 2);
}

/** The same request for a shell. */
export function curlOf(name, which, body) {
    const url = address(`serve/${encodeURIComponent(name)}/${encodeURIComponent(which)}/invocations`).href;
    const data = JSON.stringify(JSON.parse(body)).replaceAll("'", "'\\''");
    return `curl -s ${url} -H 'Content-Type: application/json' -d '${data}'`;
}
