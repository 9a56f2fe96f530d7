// What can be done with selected runs.

import {confirmDialog, formDialog, reportError, toast} from "../lib/dialog.js";
import {h} from "../lib/dom.js";
import {plural} from "../lib/format.js";
import {link} from "../lib/router.js";
import {deleteRuns, purgeRuns, restoreRuns} from "../lib/runs.js";

const COMPARE_LIMIT = 500;

/** The address of the comparison of runs, as MLflow writes it. */
export function compareLink(runs) {
    const experiments = [...new Set(runs.map((run) => run.experiment))];
    return link(["compare-runs"], {
        runs: JSON.stringify(runs.map((run) => run.id)), experiments: JSON.stringify(experiments),
    });
}

/** Which of too many runs are compared. */
async function chooseCompared(view, runs) {
    let best = [];
    const metrics = view.keys.metrics.flatMap((name) => [[`> ${name}`, `with the largest ${name}`],
        [`< ${name}`, `with the smallest ${name}`]]);
    const title = `Compare ${COMPARE_LIMIT} of ${plural(runs.length, "run")}`;
    const done = await formDialog({title, action: "Compare",
        fields: [{name: "which", label: "Those", type: "select", value: "new", options: [["new", "started last"],
            ["old", "started first"], ...metrics]}],
        submit: ({which}) => { best = bestRuns(runs, which); }});
    if (done) location.hash = compareLink(best);
}

function bestRuns(runs, which) {
    const [sign, name] = which.includes(" ") ? [which[0], which.slice(2)] : [which === "new" ? ">" : "<", null];
    const value = (run) => name === null ? run.start : Number(run.metric(name) ?? NaN);
    const worst = sign === ">" ? -Infinity : Infinity;
    const key = (run) => Number.isNaN(value(run)) ? worst : value(run);
    return [...runs].sort((a, b) => sign === ">" ? key(b) - key(a) : key(a) - key(b)).slice(0, COMPARE_LIMIT);
}

const isDeleted = (run) => run.stage === "deleted";

/** The runs that are selected when a button is pressed, which may be others than when it was drawn. */
function selected(view, wanted = () => true) {
    return [...view.selection.chosen.values()].filter(wanted);
}

export function drawRunActions(view) {
    const runs = selected(view);
    const deleted = runs.filter(isDeleted);
    return [
        runs.length > COMPARE_LIMIT && h("button.small", {onclick: () => chooseCompared(view, selected(view))},
            "Compare…"),
        runs.length > 1 && runs.length <= COMPARE_LIMIT && h("a.button.small", {href: compareLink(runs)}, "Compare"),
        runs.length === 1 && h("a.button.small", {href: link(["experiments", runs[0].experiment, "runs", runs[0].id])},
            "Open"),
        deleted.length < runs.length && h("button.small.danger", {onclick: () => remove(view)}, "Delete"),
        deleted.length > 0 && h("button.small", {onclick: () => restore(view)}, "Restore"),
        deleted.length > 0 && h("button.small.danger", {onclick: () => purge(view)}, "Delete permanently"),
        h("button.small.bare", {onclick: () => view.selection.clear()}, "Clear"),
    ];
}

async function remove(view) {
    const runs = selected(view, (run) => !isDeleted(run));
    const done = await confirmDialog(`Delete ${plural(runs.length, "run")}?`,
        "They stay under “Deleted” until they are restored or deleted permanently.", "Delete",
        () => deleteRuns(runs.map((run) => run.id)));
    if (done) finish(view, `Deleted ${plural(runs.length, "run")}`);
}

async function restore(view) {
    const runs = selected(view, isDeleted);
    try {
        await restoreRuns(runs.map((run) => run.id));
        finish(view, `Restored ${plural(runs.length, "run")}`);
    } catch (error) {
        reportError(error);
    }
}

async function purge(view) {
    const runs = selected(view, isDeleted);
    const done = await confirmDialog(`Delete ${plural(runs.length, "run")} permanently?`,
        "Their metrics, parameters and artifacts are removed. This cannot be undone.", "Delete permanently",
        () => purgeRuns(runs.map((run) => run.id)));
    if (done) finish(view, `Removed ${plural(runs.length, "run")}`);
}

function finish(view, message) {
    toast(message);
    view.selection.clear();
    view.reload();
}
