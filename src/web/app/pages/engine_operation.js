// One operation: its numbers, phases, SQL and plan.

import {chert} from "../lib/api.js";
import {seriesColor} from "../charts/colors.js";
import {fill, h, refill} from "../lib/dom.js";
import {bytes, count, dateTime, duration} from "../lib/format.js";
import {card, copyButton, facts, failed, heading, statusBadge} from "../lib/parts.js";
import {link} from "../lib/router.js";
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
        h("div.figures", figure(duration(op.duration_ms), "time"),
            figure(op.cpu_seconds === undefined ? "–" : duration(op.cpu_seconds * 1000), cpuWord(op)),
            figure(op.peak_bytes === undefined ? "–" : bytes(op.peak_bytes), `memory at most${sharedWord(op)}`),
            figure(op.rows === undefined ? "–" : count(op.rows), "rows"),
            figure(op.bytes === undefined ? "–" : bytes(op.bytes), "result")),
        h("div.stack",
            op.state === "running" && op.progress && card("Progress", h("p", op.progress.what ?? ""),
                progressBar(op.progress)),
            op.error && h("div.notice.error", h("h2", "Error"), h("pre", op.error)),
            op.phases?.length ? phasesCard(op.phases) : null,
            op.sql && codeCard("SQL", op.sql, ".wrap"), op.plan && codeCard("Plan", op.plan),
                op.spark_plan && codeCard("Spark plan", op.spark_plan),
            card("About", facts([["Started", dateTime(op.started_ms)], ["User", op.user || null],
                ["Session", h("a.mono", {href: link(["engine", "sessions"], {session: op.session_id})}, op.session_id)],
                    ["Id", h("span.mono", op.id, copyButton(op.id))]])))));
}

/** How many cores were at work on average. */
function cpuWord(op) {
    const cores = op.cpu_seconds * 1000 / op.duration_ms;
    const busy = op.duration_ms >= 50 && Number.isFinite(cores) ? `, ${cores.toFixed(1)} cores` : "";
    return `CPU${busy}${sharedWord(op)}`;
}

/** The engine measures the process: what ran at the same time is in it. */
function sharedWord(op) {
    return op.alone === false ? ", with others" : "";
}

function codeCard(title, text, how = "") {
    return card(h("header", h("h2", title), copyButton(text, `Copy the ${title}`)), h(`pre.code${how}`, text));
}

/** Phases follow one another: each bar begins where the one before ended. */
function phasesCard(phases) {
    const total = phases.reduce((sum, phase) => sum + phase.ms, 0) || 1;
    let at = 0;
    const rows = phases.map((phase, i) => {
        const left = at / total * 100;
        at += phase.ms;
        return h("div.span-row.phase-row", h("span.clip", {title: phase.name}, phase.name),
            h("span.span-track", h("span.span-bar", {style: {left: `${left}%`, width: `${phase.ms / total * 100}%`,
                background: seriesColor(i)}})),
            h("span.span-time", duration(phase.ms)),
            h("span.span-time.faint", `${(phase.ms / total * 100).toFixed(0)} %`));
    });
    return card("Phases", h("div.spans", rows));
}
