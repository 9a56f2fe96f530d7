// Many runs in few pictures: parallel coordinates and a scatter plot over their params and metrics. Starts with the
// params that differ and all metrics; both can be chosen.

import {parallelChart} from "../charts/parallel.js";
import {scatterChart} from "../charts/scatter.js";
import {popover} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {plural} from "../lib/format.js";
import {card} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {valueOf} from "../lib/runs.js";

const FIRST_PARAMS = 6, FIRST_METRICS = 4; // axes at first
const MOST_COLORS = 40; // runs with a colour each

export function drawDimensions(runs, names, differing) {
    const metrics = names.metrics.filter((name) => !name.startsWith("system/"));
    const params = differing.length ? differing : names.params;
    return h("div.stack", parallelCard(runs, names, params.slice(0, FIRST_PARAMS), metrics.slice(0, FIRST_METRICS)),
        scatterCard(runs, names, params, metrics));
}

const keyOf = ([kind, name]) => `${kind}.${name}`;

function dimensionOf([kind, name]) {
    return {name, value: (run) => valueOf(run, kind, name)};
}

function hrefOf(run) {
    return link(["experiments", run.experiment, "runs", run.id]);
}

function parallelCard(runs, names, params, metrics) {
    let chosen = [...params.map((name) => ["params", name]), ...metrics.map((name) => ["metrics", name])];
    const all = [...names.params.map((name) => ["params", name]), ...names.metrics.map((name) => ["metrics", name])];
    const slot = h("div");
    const kept = h("span.muted");
    const color = h("select", {"aria-label": "Colour", onchange: show});
    const pick = h("button.small",
        {onclick: () => popover(pick, () => h("div.columns-panel", all.map((one) => h("label.tick",
        h("input", {type: "checkbox", checked: chosen.some((c) => keyOf(c) === keyOf(one)), onchange: (event) => {
            chosen = event.target.checked ? [...chosen, one] : chosen.filter((c) => keyOf(c) !== keyOf(one));
            show();
        }}), h("span.clip", one[1]), h("span.faint", one[0].slice(0, -1))))), {align: "right", label: "Axes"})},
            icon("columns"), "Axes");

    function show() {
        const wanted = color.value || chosen.filter(([kind]) => kind === "metrics").map(keyOf)[0] || "";
        fill(color, chosen.map((one) => h("option", {value: keyOf(one), selected: keyOf(one) === wanted},
            `Colour: ${one[1]}`)));
        const colored = chosen.find((one) => keyOf(one) === wanted);
        kept.textContent = "";
        fill(slot, chosen.length > 1 ? parallelChart(runs, chosen.map(dimensionOf), {
            label: (run) => run.name || run.id, href: hrefOf, color: colored?.[1] ?? null,
            onKept: (rows) => {
                kept.textContent = rows.length < runs.length ? `${plural(rows.length, "run")} kept` : "";
            },
        }) : h("p.muted", "Choose two axes or more."));
    }
    show();
    return card(h("header", h("h2", "Parallel coordinates"), kept, h("span.grow"), color, pick), slot,
        h("p.faint", "Drag along an axis to keep the runs that pass there. A double click opens a run."));
}

function scatterCard(runs, names, params, metrics) {
    const options = [...names.params.map((name) => ["params", name]),
        ...names.metrics.map((name) => ["metrics", name])];
    if (options.length < 2) return null;
    const slot = h("div");
    const select = (label, wanted) => h("select", {"aria-label": label, onchange: show},
        label === "Colour" && h("option", {value: ""}, "no colour"),
        options.map((one) => h("option", {value: keyOf(one), selected: wanted === keyOf(one)}, one[1])));
    const numeric = (name) => runs.every((run) => Number.isFinite(Number(run.param(name) ?? NaN)));
    const x = select("x", params.length ? `params.${params.find(numeric) ?? params[0]}`
        : `metrics.${metrics[1] ?? metrics[0]}`);
    const y = select("y", metrics.length ? `metrics.${metrics[0]}` : `params.${params[1] ?? params[0]}`);
    const z = select("Colour", "");

    function show() {
        const [sx, sy, sz] = [x, y, z].map((one) => options.find((o) => keyOf(o) === one.value));
        const xs = axisOf(runs, sx), ys = axisOf(runs, sy), zs = sz ? axisOf(runs, sz) : null;
        const points = runs.map((run, i) =>
            ({x: xs.values[i], y: ys.values[i], z: zs ? zs.values[i] : null, label: run.name || run.id,
            href: hrefOf(run), color: zs || runs.length > MOST_COLORS ? null : run.color}));
        fill(slot, scatterChart(points,
            {xLabel: sx[1], yLabel: sy[1], zLabel: sz?.[1], xNames: xs.names, yNames: ys.names}));
    }
    show();
    return card(h("header", h("h2", "Scatter"), h("span.grow"), h("label.inline", "x", x), h("label.inline", "y", y),
        z), slot);
}

/** Numbers, or positions among names when some value is not a number. */
function axisOf(runs, [kind, name]) {
    const raw = runs.map((run) => valueOf(run, kind, name));
    const known = raw.filter((v) => v !== null && v !== "");
    if (known.every((v) => Number.isFinite(Number(v)))) {
        return {values: raw.map((v) => v === null || v === "" ? NaN : Number(v))};
    }
    const list = [...new Set(known.map(String))].sort();
    return {values: raw.map((v) => v === null ? NaN : list.indexOf(String(v))), names: list};
}
