// Operations on a line of time: one lane a session, operations that overlap below each other.

import {h, refill} from "../lib/dom.js";
import {dateTime, duration} from "../lib/format.js";
import {link} from "../lib/router.js";

const MOST = 300; // operations: the latest
const ROW = 20;
const GAP_MS = 30_000; // time in which nothing happened is cut down to this

/** Draws into `element`. Long quiet times between operations are left out, as marks between them tell. */
export function timeline(element, operations) {
    const latest = [...operations].sort((a, b) => b.started_ms - a.started_ms).slice(0, MOST).reverse();
    if (!latest.length) return refill(element, h("p.empty", "No operations."));
    const {place, total, cuts} = scaleOf(latest);
    const sessions = [...new Set(latest.map((op) => op.session_id))];
    const first = latest[0].started_ms;
    return refill(element, h("div.timeline-head", h("span", dateTime(first)),
        h("span", latest.length < operations.length ? `the latest ${MOST} of ${operations.length}` : ""),
        h("span", dateTime(Math.max(...latest.map(endOf))))),
    sessions.map((session) => lane(session, latest.filter((op) => op.session_id === session), place, total, cuts)));
}

function endOf(op) {
    return op.started_ms + Math.max(1, op.duration_ms ?? 0);
}

/** From times to positions without the quiet stretches; `cuts` are the places where something was left out. */
function scaleOf(operations) {
    const busy = [];
    for (const op of operations) {
        const last = busy.at(-1);
        if (last && op.started_ms <= last.end + GAP_MS) last.end = Math.max(last.end, endOf(op));
        else busy.push({start: op.started_ms, end: endOf(op)});
    }
    let at = 0;
    for (const stretch of busy) {
        stretch.at = at;
        at += stretch.end - stretch.start;
    }
    const total = at || 1;
    const place = (ms) => {
        const stretch = busy.findLast((one) => one.start <= ms) ?? busy[0];
        return (stretch.at + Math.min(ms, stretch.end) - stretch.start) / total * 100;
    };
    return {place, total, cuts: busy.slice(1).map((stretch) => stretch.at / total * 100)};
}

function lane(session, operations, place, total, cuts) {
    const free = []; // end of the last operation of each row
    const bars = operations.map((op) => {
        let row = free.findIndex((end) => end <= op.started_ms);
        if (row < 0) row = free.length;
        free[row] = endOf(op);
        const left = place(op.started_ms);
        return h("a", {href: link(["engine", "operations", op.id]), class: `timeline-bar ${op.state}`,
            title: `${op.description || op.kind}\n${op.state}, ${duration(op.duration_ms)}`,
            "aria-label": `${op.description || op.kind}, ${op.state}, ${duration(op.duration_ms)}`,
            style: {left: `${left}%`, width: `${Math.max(0.15, place(endOf(op)) - left)}%`, top: `${row * ROW}px`}},
        h("span.clip", op.description || op.kind));
    });
    return h("section.timeline-lane", h("h3", h("a.mono", {href: link(["engine", "sessions"], {session})},
        String(session ?? "").slice(0, 8)), h("span.faint", operations.find((op) => op.user)?.user ?? "")),
    h("div.timeline-rows", {style: {height: `${free.length * ROW + 4}px`}},
        cuts.map((cut) => h("span.timeline-cut", {title: "nothing happened for a while", style: {left: `${cut}%`}})),
        bars));
}
