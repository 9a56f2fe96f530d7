// One trace: its spans as a tree with a bar for the time each took, what went into a span and came out of it, what was
// said of the trace.

import {mlflow} from "../lib/api.js";
import {confirmDialog, formDialog, menu, reportError} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {count, dateTime, duration} from "../lib/format.js";
import {card, copyButton, facts, failed, heading, runLink, tagEditor} from "../lib/parts.js";
import {keepInAddress, link} from "../lib/router.js";
import {spansOf, traceOfApi} from "../lib/spans.js";
import {assessmentsCard} from "./trace_assessments.js";
import {spanDetails} from "./trace_span.js";

export default async function tracePage(page, params, query) {
    const view = new TraceView(page, params, query.get("span"));
    await view.load();
    page.poll(4000, () => view.trace?.state === "IN_PROGRESS" ? view.load() : null);
}

const STATES = {OK: "good", ERROR: "bad", IN_PROGRESS: "accent"};

class TraceView {
    constructor(page, params, span) {
        this.page = page;
        this.params = params;
        this.closed = new Set(); // ids of spans whose children are hidden
        this.chosen = span;
    }

    async load() {
        try {
            const {trace} = await mlflow.get("traces/get", {trace_id: this.params.trace}, this.page.signal);
            this.trace = traceOfApi(trace.trace_info);
            this.spans = spansOf(trace);
            this.draw();
        } catch (error) {
            if (error.name !== "AbortError") fill(this.page.root, h("div.page", failed(error)));
        }
    }

    draw() {
        const {trace, spans} = this;
        const experiment = trace.experiment || this.params.experiments;
        this.page.title(trace.name || "Trace");
        this.list = h("div.spans", {role: "tree", "aria-label": "Spans", onkeydown: (event) => this.onKey(event)});
        this.details = h("div");
        const again = () => this.load();
        fill(this.page.root, h("div.page",
            heading(trace.name || trace.id, {
                crumbs: [["Experiments", "#/experiments"],
                    [`Experiment ${experiment}`, link(["experiments", experiment])],
                    ["Traces", link(["experiments", experiment, "traces"])]],
                beside: [h("span.badge", {class: STATES[trace.state] ?? ""},
                    trace.state.toLowerCase().replace("_", " ")),
                h("span.muted", `${duration(trace.duration)}, ${count(spans.length)} spans`),
                h("span.mono.faint.nowrap", trace.id.slice(0, 12), copyButton(trace.id, "Copy the trace id"))],
                actions: [h("button", {"aria-label": "More", "aria-haspopup": "menu",
                    onclick: (event) => menu(event.currentTarget, [["Delete", () => this.remove(), "danger"]])},
                icon("menu"))]}),
            h("div.split",
                h("div.stack", spans.length ? card("Spans", this.list) : h("div.notice", "No spans have come."),
                    this.details),
                h("div.stack", this.about(experiment), assessmentsCard(trace, again), this.tagsCard(again)))));
        this.drawSpans();
        this.choose(spans.find((span) => span.id === this.chosen) ??
            spans.find((span) => span.failed && span.message) ?? spans[0], false);
    }

    about(experiment) {
        const {trace} = this;
        return card("About", facts([
            ["Started", dateTime(trace.time)], ["Took", duration(trace.duration)],
            trace.run && ["Run", runLink(experiment, trace.run, trace.run.slice(0, 8))],
            trace.user && ["User", trace.user], trace.session && ["Session", trace.session],
            trace.tokens !== null && ["Tokens", count(trace.tokens)],
            ["Trace id", h("span.mono", trace.id, copyButton(trace.id))],
            ...Object.entries(trace.metadata).filter(([key]) => !key.startsWith("mlflow.")),
        ]));
    }

    tagsCard(again) {
        const {trace} = this;
        const tags = Object.entries(trace.tags).map(([key, value]) => ({key, value}));
        const path = `traces/${encodeURIComponent(trace.id)}/tags`;
        return card("Tags", tagEditor(tags, {
            ask: (tag) => formDialog({title: tag ? `Tag ${tag.key}` : "Add tag", fields: [
                ...(tag ? [] : [{name: "key", label: "Name", required: true}]),
                {name: "value", label: "Value", value: tag?.value}],
            submit: (v) => mlflow.patch(path, {key: tag?.key ?? v.key, value: v.value})}).then(again),
            remove: (key) => mlflow.delete(path, {key}).catch(reportError).then(again),
        }));
    }

    /** The rows that are not inside a closed one. */
    get shown() {
        const hidden = new Set();
        return this.spans.filter((span) => {
            if (hidden.has(span.parent) || this.closed.has(span.parent)) hidden.add(span.id);
            return !hidden.has(span.id);
        });
    }

    drawSpans() {
        const start = Math.min(...this.spans.map((span) => span.start));
        const total = Math.max(...this.spans.map((span) => span.end)) - start || 1;
        const parents = new Set(this.spans.map((span) => span.parent));
        fill(this.list, this.shown.map((span) => this.spanRow(span, parents.has(span.id), start, total)));
    }

    spanRow(span, hasBelow, start, total) {
        const open = !this.closed.has(span.id);
        const row = h("div.span-row", {role: "treeitem", tabindex: span.id === this.chosen ? 0 : -1,
            "aria-level": span.depth + 1, "aria-selected": String(span.id === this.chosen),
            "aria-expanded": hasBelow ? String(open) : null,
            "aria-label": `${span.name}, ${duration(span.end - span.start)}`,
            onclick: () => this.choose(span)},
        h("span.span-name", {style: {"padding-left": `${span.depth * 14}px`}},
            h("button.twist", {tabIndex: -1, "aria-label": open ? "Close" : "Open", "aria-expanded": String(open),
                style: {visibility: hasBelow ? "visible" : "hidden"}, onclick: (event) => {
                    event.stopPropagation();
                    this.toggle(span);
                }}, icon("right")),
            h("span.clip", {class: span.failed ? "failed" : ""}, span.name), span.type && h("span.badge", span.type)),
        h("span.span-track", h("span.span-bar", {class: span.failed ? "failed" : "", style: {
            left: `${100 * (span.start - start) / total}%`, width: `${100 * (span.end - span.start) / total}%`}})),
        h("span.span-time", duration(span.end - span.start)));
        row.span = span;
        return row;
    }

    toggle(span) {
        if (!this.closed.delete(span.id)) this.closed.add(span.id);
        this.drawSpans();
    }

    choose(span, focus = true) {
        if (!span) return;
        this.chosen = span.id;
        for (const row of this.list.children) {
            const isChosen = row.span.id === span.id;
            row.setAttribute("aria-selected", String(isChosen));
            row.tabIndex = isChosen ? 0 : -1;
            if (isChosen && focus) row.focus();
        }
        fill(this.details, spanDetails(span));
        if (focus) {
            keepInAddress(["experiments", this.params.experiments, "traces", this.trace.id], {span: span.id});
        }
    }

    onKey(event) {
        const shown = this.shown;
        const at = shown.findIndex((span) => span.id === this.chosen);
        const step = {ArrowDown: 1, ArrowUp: -1, Home: -at, End: shown.length - 1 - at}[event.key];
        const open = !this.closed.has(this.chosen);
        if (step !== undefined) {
            this.choose(shown[Math.max(0, Math.min(shown.length - 1, at + step))]);
        } else if ((event.key === "ArrowRight" && !open) || (event.key === "ArrowLeft" && open)) {
            this.toggle(shown[at]);
            this.choose(shown[at]);
        } else {
            return;
        }
        event.preventDefault();
    }

    async remove() {
        const {trace} = this;
        if (await confirmDialog("Delete this trace?", "Its spans and assessments go with it. This cannot be undone.",
            "Delete", () => mlflow.post("traces/delete-traces",
                {experiment_id: trace.experiment, request_ids: [trace.id]}))) {
            location.hash = link(["experiments", trace.experiment, "traces"]);
        }
    }
}
