// One operation: its numbers, phases, SQL and plan.

import {chert} from "../lib/api.js";
import {seriesColor} from "../charts/colors.js";
import {fill, h, refill} from "../lib/dom.js";
import {bytes, count, dateTime, duration} from "../lib/format.js";
import {card, copyButton, facts, failed, heading, statusBadge} from "../lib/parts.js";
import {cancelOperation} from "./engine_operations.js";
import {progressBar} from "./engine.js";

export default async function operationPage(page, {id}) {
    page.title("Operation");
    const load = async () => {
        const op = await chert.get(`operations/${encodeURIComponent(id)}`, {}, page.signal);
        draw(page, op, load);
        return op;
    };
    try {
        let op = await load();
        page.poll(1500, async () => { if (op.state === "running") op = await load(); });
    } catch (error) {
        if (error.name !== "AbortError") fill(page.root, h("div.page", failed(error)));
    }
}

function draw(page, op, again) {
    const figure = (value, name) => h("div.figure", h("b", value), h("span", name));
    refill(page.root, h("div.page",
        heading(op.description || op.kind,
            {crumbs: [["Engine", "#/engine/operations"], ["Operations", "#/engine/operations"]],
            beside: [statusBadge(op.state), h("span.badge", op.kind)],
            actions: op.state === "running"
                ? [h("button.danger", {onclick: () => cancelOperation(op).then(again)}, "Cancel")] : []}),
        h("div.figures", figure(duration(op.duration_ms), "time"), op.cpu_seconds !== undefined &&
            figure(duration(op.cpu_seconds * 1000), "CPU"),
            op.rows !== undefined && figure(count(op.rows), "rows"),
                op.bytes !== undefined && figure(bytes(op.bytes), "result"),
            op.peak_bytes !== undefined && figure(bytes(op.peak_bytes), "memory")),
        h("div.stack",
            op.state === "running" && op.progress && card("Progress", h("p", op.progress.what ?? ""),
                progressBar(op.progress)),
            op.error && h("div.notice.error", h("h2", "Error"), h("pre", op.error)),
            op.phases?.length ? phasesCard(op.phases) : null,
            op.sql && codeCard("SQL", op.sql), op.plan && codeCard("Plan", op.plan),
                op.spark_plan && codeCard("Spark plan", op.spark_plan),
            card("About", facts([["Started", dateTime(op.started_ms)], ["User", op.user || null],
                ["Session", h("a.mono", {href: "#/engine/sessions"}, op.session_id)],
                    ["Id", h("span.mono", op.id, copyButton(op.id))]])))));
}

function codeCard(title, text) {
    return card(h("header", h("h2", title), copyButton(text)), h("pre.code", text));
}

function phasesCard(phases) {
    const total = phases.reduce((sum, phase) => sum + phase.ms, 0) || 1;
    return card("Phases",
        h("div.phases", phases.map((phase, i) => h("span", {title: `${phase.name}: ${duration(phase.ms)}`,
        style: {width: `${phase.ms / total * 100}%`, background: seriesColor(i)}}))),
    h("div.legend", {style: {"margin-top": "8px"}},
        phases.map((phase, i) => h("span", h("span.swatch", {style: {background: seriesColor(i)}}),
        phase.name, h("span.faint", duration(phase.ms))))));
}
