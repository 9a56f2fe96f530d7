// What the stages of a saved model learned, drawn: importances and coefficients as bars, matrices as heat tables, what
// scalers know as tables, labels of indexers, decision trees.

import {barChart} from "../charts/bars.js";
import {heatTable} from "../charts/heat.js";
import {treeChart} from "../charts/tree.js";
import {fill, h} from "../lib/dom.js";
import {number, plural, shortClass} from "../lib/format.js";
import {card} from "../lib/parts.js";

const TITLES = {featureImportances: "Feature importances", coefficients: "Coefficients",
    coefficientMatrix: "Coefficients of each class", clusterCenterMatrix: "Cluster centres"};

/** Cards of one stage as src/web/model_parts.h tells it. */
export function stageCards(stage) {
    const name = shortClass(stage.class);
    const title = (what) => `${TITLES[what] ?? what}, ${name}`;
    const {weights, matrix, table, labels, trees} = stage;
    return [
        weights && card(title(weights.what), barChart(
            weights.values.map((value, i) => ({label: weights.names[i], value})), {most: 40, total: weights.total})),
        matrix && matrixCard(title(matrix.what), matrix),
        table && card(`Features, ${name}`, scalerTable(table)),
        labels && card(`Labels, ${name}`, labels.map(labelList)),
        trees && treesCard(name, trees),
    ].filter(Boolean);
}

function matrixCard(title, matrix) {
    const columns = [...matrix.columns];
    const values = matrix.values.map((row) => [...row]);
    // Coefficients weigh against each other; places of centres only against those of other clusters.
    const byColumn = matrix.what === "clusterCenterMatrix";
    const intercepts = matrix.intercepts ?? null;
    return card(title, heatTable({rows: matrix.rows, columns, values, byColumn,
        more: intercepts && {title: "intercept", values: intercepts}}),
    matrix.total > columns.length && h("p.faint",
        `${columns.length} of ${matrix.total} features: those that differ the most.`));
}

function scalerTable({names, columns, total}) {
    return [h("div.table-wrap.tall", h("table.plain",
        h("thead", h("tr", h("th", "Feature"), columns.map((column) => h("th.numeric", column.name)))),
        h("tbody", names.map((name, i) => h("tr", h("td.key", name),
            columns.map((column) => h("td.numeric", {title: String(column.values[i])},
                number(column.values[i], 6)))))))),
    total > names.length && h("p.faint", `${names.length} of ${total}`)];
}

function labelList({column, values, total}) {
    return h("div.labels", h("strong", column || "labels"), h("span.faint", plural(total, "value")),
        h("ol.inline", {start: 0}, values.map((label, i) => h("li", {title: `index ${i}`}, h("span.faint.mono", i),
            label))),
        total > values.length && h("span.faint", `and ${total - values.length} more`));
}

function treesCard(name, {total, trees}) {
    const slot = h("div");
    const facts = h("span.muted");
    const show = (i) => {
        const tree = trees[i];
        facts.textContent = [plural(tree.total, "node"), `depth ${tree.depth}`,
            total > 1 && `weight ${number(tree.weight, 4)}`].filter(Boolean).join(", ");
        fill(slot, treeChart(tree.nodes));
    };
    const choice = total > 1 && h("select", {"aria-label": "Tree", onchange: (event) => show(event.target.value)},
        trees.map((_, i) => h("option", {value: i}, `Tree ${i}`)));
    show(0);
    return card(h("header", h("h2", total > 1 ? `Trees, ${name}` : `Tree, ${name}`), facts, h("span.grow"),
        total > trees.length && h("span.faint", `the first ${trees.length} of ${total}`), choice), slot);
}
