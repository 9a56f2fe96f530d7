// What runs log that is drawn in a special way.
//
// Metrics over step = number of clusters (or, across runs, beside a param "k" or "n_clusters"):
//     wssse, inertia, cost, training_cost, trainingCost, sse, silhouette (also with a prefix: "kmeans/wssse")
// Artifacts, anywhere in the run; also as written by mlflow.log_table, {"columns": [...], "data": [[...]]}:
//     roc.json, roc_curve.json        {"fpr": [...], "tpr": [...], "auc": 0.9}, or a list of such with "label"
//     pr.json, pr_curve.json          {"precision": [...], "recall": [...]}
//     confusion_matrix.json           {"labels": [...], "matrix": [[...]]}, or the matrix alone; rows are true classes
//     feature_importance*.json        {"name": value, ...}, or [{"feature"|"name", "importance"|"value"}]

import {areaOf} from "./evaluation.js";

const CLUSTER_METRIC = /(^|[/._-])(wssse|wss|sse|inertia|cost|training_?cost|silhouette)$/i;

export function isClusterMetric(name) {
    return CLUSTER_METRIC.test(name);
}

export function artifactKind(path) {
    const name = path.split("/").pop().toLowerCase();
    if (/^roc(_curve)?\.json$/.test(name)) return "roc";
    if (/^(pr|precision_recall)(_curve)?\.json$/.test(name)) return "pr";
    if (/^confusion_matrix\.json$/.test(name)) return "confusion";
    if (/^feature_importances?.*\.json$/.test(name)) return "importance";
    return null;
}

/** {columns, data} of log_table, or an object of columns already. */
function columnsOf(data) {
    if (!Array.isArray(data?.columns) || !Array.isArray(data?.data)) return data;
    return Object.fromEntries(data.columns.map((name, i) => [name, data.data.map((row) => row[i])]));
}

/** Curves for curveChart, or null when the data is not of that shape. */
export function curvesOf(data, kind) {
    const curves = (Array.isArray(data) ? data : [data]).map((one, i) => {
        const columns = columnsOf(one) ?? {};
        const x = numbers(kind === "roc" ? columns.fpr : columns.recall);
        const y = numbers(kind === "roc" ? columns.tpr : columns.precision);
        if (!x || !y || x.length !== y.length) return null;
        return {label: String(columns.label ?? columns.class ?? (i ? `curve ${i + 1}` : kind.toUpperCase())), x, y,
            area: Number(columns.auc ?? columns.area ?? areaOf(x, y))};
    });
    return curves.length && curves.every(Boolean) ? curves : null;
}

export function confusionOf(data) {
    const matrix = Array.isArray(data) ? data : data?.matrix ?? data?.confusion_matrix ?? data?.data;
    if (!Array.isArray(matrix) || !matrix.length ||
        !matrix.every((row) => numbers(row)?.length === matrix.length)) return null;
    const labels = data.labels ?? data.classes ?? matrix.map((_, i) => i);
    return {labels: labels.length === matrix.length ? labels : matrix.map((_, i) => i), matrix: matrix.map(numbers)};
}

export function importancesOf(data) {
    const rows = Array.isArray(data) ? data.map((row) => [row.feature ?? row.name, row.importance ?? row.value])
        : Object.entries(data ?? {});
    const list = rows.map(([label, value]) => ({label: String(label), value: Number(value)}));
    if (!list.length || !list.every((row) => Number.isFinite(row.value))) return null;
    return list.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
}

function numbers(list) {
    if (!Array.isArray(list) || !list.length) return null;
    const values = list.map(Number);
    return values.every(Number.isFinite) ? values : null;
}
